# scanhello.tcl --
#
#	The ClientHellos of a probe: each is made of words, and so none depends
#	on what a TLS library can do.

namespace eval ::pyossl::expect::probe {
    # What has its own names, from old to new.
    variable versions {SSLv3 TLSv1 TLSv1.1 TLSv1.2 TLSv1.3}
}

# AllSuites version --
#	The suites that can be asked for in a version.  Those of TLS 1.3 have no
#	key exchange in their names, and hence no WITH.
proc ::pyossl::expect::probe::AllSuites {version} {
    variable suites
    set new [expr {$version eq "TLSv1.3"}]
    if {![info exists suites($new)]} {
	set suites($new) {}
	dict for {code name} [::pyossl::expect::names::table cipher_suite] {
	    if {$code > 0 && ![string match *_SCSV $name]
		    && [string match *_WITH_* $name] != $new} {
		lappend suites($new) $name
	    }
	}
    }
    return $suites($new)
}

# AllGroups version -- the groups that can be asked for in a version.
proc ::pyossl::expect::probe::AllGroups {version} {
    set result {}
    dict for {code name} [::pyossl::expect::names::table group] {
	if {$version eq "TLSv1.3"
		? ($code in {23 24 25 29 30} || $code > 30 && $code < 0xff00)
		: ($code < 31 || $code > 33 && $code < 512)} {
	    lappend result $name
	}
    }
    # Those that most servers have come first, as in the hello of a client.
    set usual {x25519 secp256r1 secp384r1 secp521r1 x448}
    return [concat $usual [lmap name $result {
	if {$name in $usual} continue
	set name
    }]]
}

proc ::pyossl::expect::probe::AllSignatures {version} {
    set result {}
    dict for {code name} [::pyossl::expect::names::table signature_scheme] {
	if {$version ne "TLSv1.3" && $code < 0x0900
		|| $version eq "TLSv1.3" && $code >= 0x0403
		&& ![string match rsa_pkcs1* $name]
		&& ![string match dsa_* $name]} {
	    lappend result $name
	}
    }
    # An order in which a server finds a usual one first.
    return [lsort -command {apply {{a b} {
	set a [::pyossl::expect::names::code signature_scheme $a]
	set b [::pyossl::expect::names::code signature_scheme $b]
	expr {($b / 256 in {8 4 5 6}) - ($a / 256 in {8 4 5 6}) ?
	    ($b / 256 in {8 4 5 6}) - ($a / 256 in {8 4 5 6}) : $a - $b}
    }}} $result]
}

# Hello p version ?key value ...? --
#	The bytes of a ClientHello in its records.
# Arguments:
#	version	the only one that is asked for
#	suites, groups, signatures	lists of names; default: all there are
#	shares	groups with a key share in TLS 1.3 (x25519)
#	more	extensions more, as dicts
#	without	names of extensions that are left out
#	fields	fields of the message besides, as encode takes them
#	record	the version of the records
#	fragment	the most bytes in a record
#	size	the bytes that the message is made to have by padding; one that has
#		more by itself is left as it is
proc ::pyossl::expect::probe::Hello {p version args} {
    upvar #0 $p P
    set options [dict merge [list suites [AllSuites $version] \
	groups [AllGroups $version] signatures [AllSignatures $version] \
	shares x25519 more {} without {} fields {} fragment 16384 size 0 \
	record [expr {$version eq "SSLv3" ? "SSLv3" : "TLSv1"}]] $args]
    set new [expr {$version eq "TLSv1.3"}]
    set fields [list legacy_version [expr {$new ? "TLSv1.2" : $version}] \
	cipher_suites [dict get $options suites]]
    if {$new} {
	lappend fields legacy_session_id [::pyossl::rand bytes 32]
    } else {
	# No renegotiation, said the way that the oldest servers bear.
	dict lappend fields cipher_suites TLS_EMPTY_RENEGOTIATION_INFO_SCSV
    }
    # Servers of SSL 3 need not know that there are extensions.
    if {$version eq "SSLv3"} {
	lappend fields extensions_wire ""
    } else {
	lappend fields extensions [Extensions $p $version $options]
    }
    set fields [dict merge $fields [dict get $options fields]]
    set message [::pyossl::expect::encode ClientHello $fields]
    set size [expr {[dict get $options size] - [string length $message] - 4}]
    if {$size >= 0} {
	dict lappend fields extensions [list extension_type padding \
	    extension_data [string repeat \0 $size]]
	set message [::pyossl::expect::encode ClientHello $fields]
    }
    set size [dict get $options fragment]
    set bytes ""
    for {set i 0} {$i < [string length $message]} {incr i $size} {
	append bytes [::pyossl::expect::record::build handshake \
	    [dict get $options record] \
	    [string range $message $i [expr {$i + $size - 1}]]]
    }
    return $bytes
}

# The extensions of a Hello.
proc ::pyossl::expect::probe::Extensions {p version options} {
    upvar #0 $p P
    set result {}
    if {$P(servername) ne ""} {
	lappend result [list extension_type server_name server_name_list \
	    [list [list name_type host_name name $P(servername)]]]
    }
    # There are servers that insist on these, and servers that do not bear an
    # empty extension at the end.
    if {$version ne "TLSv1.3"} {
	lappend result {extension_type extended_master_secret} \
	    {extension_type encrypt_then_mac}
    }
    lappend result [list extension_type supported_groups \
	named_group_list [dict get $options groups]]
    if {$version eq "TLSv1.3"} {
	lappend result {extension_type supported_versions versions TLSv1.3} \
	    {extension_type psk_key_exchange_modes ke_modes psk_dhe_ke} \
	    [list extension_type signature_algorithms_cert \
		supported_signature_algorithms [AllSignatures TLSv1.2]] \
	    [list extension_type key_share client_shares \
		[lmap group [dict get $options shares] {
		    list group $group key_exchange [::pyossl::rand bytes 32]
		}]]
    } else {
	lappend result {extension_type ec_point_formats
	    ec_point_format_list uncompressed}
    }
    # What signs in the handshake is asked for; what the certificates are signed
    # with is all the same.
    if {$version eq "TLSv1.2"
	    && [dict get $options signatures] ne [AllSignatures $version]} {
	lappend result [list extension_type signature_algorithms_cert \
	    supported_signature_algorithms [AllSignatures $version]]
    }
    if {$version in {TLSv1.2 TLSv1.3}} {
	lappend result [list extension_type signature_algorithms \
	    supported_signature_algorithms [dict get $options signatures]]
    }
    set result [lmap extension $result {
	if {[dict get $extension extension_type] in [dict get $options without]} {
	    continue
	}
	set extension
    }]
    return [concat $result [dict get $options more]]
}
