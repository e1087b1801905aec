# scanfeature.tcl --
#
#	The questions of a probe about extensions, resumption, renegotiation, and
#	about what a server bears.  Scans as in scan.tcl.

namespace eval ::pyossl::expect::probe {
    # Application protocols that are asked for.
    variable protocols {h2 http/1.1 http/1.0 spdy/3.1 acme-tls/1 dot doq smtp
	imap pop3 managesieve ftp xmpp-client xmpp-server stun.turn webrtc mqtt
	coap postgresql tds/8.0 irc nntp sip/2 ntske/1}
}

# Old p -- the newest version before TLS 1.3; empty if there is none.
proc ::pyossl::expect::probe::Old {p} {
    foreach version {TLSv1.2 TLSv1.1 TLSv1 SSLv3} {
	if {[Noted $p protocols $version] eq "yes"} {
	    return $version
	}
    }
    return ""
}

#------------------------------------------------------------------------
# What a ServerHello says
#------------------------------------------------------------------------

# Extensions that a server answers in the clear, and compression.
proc ::pyossl::expect::probe::ScanExtensions {p} {
    upvar #0 $p P
    set version [Old $p]
    if {$version in {"" SSLv3}} {
	return
    }
    set suites [KnownSuites $p $version]
    set answer [Insist $p [Hello $p $version suites $suites \
	more {
	    {extension_type session_ticket}
	    {extension_type heartbeat mode peer_not_allowed_to_send}
	    {extension_type status_request status_type ocsp}
	    {extension_type signed_certificate_timestamp}
	}] flight]
    set hello [dict get $answer hello]
    if {$hello eq ""} {
	return
    }
    Note $p extended_master_secret \
	[YesNo [Extension $hello extended_master_secret]]
    Note $p heartbeat [YesNo [Extension $hello heartbeat]]
    # What comes behind the ServerHello is missing only if all has come.
    foreach {key message} {
	ocsp_stapling CertificateStatus client_certificate CertificateRequest
    } {
	if {[dict exists $answer messages $message]} {
	    Note $p $key yes
	} elseif {[dict exists $answer messages ServerHelloDone]} {
	    Note $p $key no
	}
    }
    set list [Extension $hello signed_certificate_timestamp]
    Note $p scts handshake [expr {[dict exists $list sct_list]
	? [llength [dict get $list sct_list]] : 0}]
    Note $p renegotiation secure [YesNo [Extension $hello renegotiation_info]]
    if {[Noted $p protocols TLSv1.3] eq "yes"} {
	# RFC 8446, 4.1.3: the end of the random warns of a downgrade.
	set mark [string range [dict get $hello random] 24 end]
	Note $p downgrade_mark [YesNo [expr {$mark eq
	    ($version eq "TLSv1.2" ? "DOWNGRD\x01" : "DOWNGRD\x00") ? 1 : ""}]]
    }
    set cbc [lsearch -all -inline $suites *_CBC_*]
    if {[llength $cbc]} {
	set answer [Insist $p [Hello $p $version suites $cbc]]
	if {[dict get $answer end] eq "hello"} {
	    Note $p encrypt_then_mac \
		[YesNo [Extension [dict get $answer hello] encrypt_then_mac]]
	}
    }
}

proc ::pyossl::expect::probe::YesNo {value} {
    return [expr {$value eq "" ? "no" : "yes"}]
}

# Compression; and of SSL 3, which has no more of these, whether renegotiation
# is secure.
proc ::pyossl::expect::probe::ScanCompression {p} {
    set version [Old $p]
    if {$version eq ""} {
	return
    }
    set left {DEFLATE LZS}
    set found {}
    while {[llength $left]} {
	set answer [Insist $p [Hello $p $version \
	    suites [KnownSuites $p $version] \
	    fields [list legacy_compression_methods [concat $left null]]]]
	if {[dict get $answer end] ne "hello"} {
	    if {![llength $found] && (![Definite $answer]
		    || ![Still $p $version])} {
		return
	    }
	    break
	}
	set method [dict get $answer hello legacy_compression_method]
	if {$method ni $left} {
	    break
	}
	lappend found $method
	set left [lsearch -all -inline -not $left $method]
    }
    Note $p compression [expr {[llength $found] ? $found : "none"}]
    if {$version eq "SSLv3" && [dict get $answer hello] ne ""} {
	Note $p renegotiation secure [YesNo \
	    [Extension [dict get $answer hello] renegotiation_info]]
    }
}

# RFC 7507: who offers less than the server has, and says that it is a second
# attempt, is refused.
proc ::pyossl::expect::probe::ScanFallback {p} {
    variable versions
    set spoken [lmap version $versions {
	if {[Noted $p protocols $version] ne "yes"} continue
	set version
    }]
    if {[llength $spoken] < 2} {
	return
    }
    set version [lindex $spoken end-1]
    set answer [Insist $p [Hello $p $version \
	suites [concat [KnownSuites $p $version] TLS_FALLBACK_SCSV]]]
    # Any other refusal has another reason.
    if {[dict get $answer end] eq "hello"} {
	Note $p fallback_scsv no
    } elseif {[dict get $answer alert] eq "inappropriate_fallback"} {
	Note $p fallback_scsv yes
    }
}

# ALPN: in the clear before TLS 1.3, else by the engine.
proc ::pyossl::expect::probe::ScanAlpn {p} {
    variable protocols
    set version [Old $p]
    if {$version in {"" SSLv3}} {
	if {[Noted $p protocols TLSv1.3] ne "yes"} {
	    return
	}
	set version TLSv1.3
    }
    set choose [list Alpn $p $version]
    lassign [TakeAway $p $version $protocols $choose] found complete
    # None are taken by a server with which a handshake comes about without
    # them; else nothing was seen of it.
    if {$complete && $version eq "TLSv1.3" && ![llength $found]} {
	set complete [dict get [Engine $p $version] done]
    }
    NoteList $p alpn $version $found $complete
    Note $p alpn preference [Preference $found $complete $choose]
}

proc ::pyossl::expect::probe::Alpn {p version names} {
    if {$version eq "TLSv1.3"} {
	set answer [Engine $p $version alpn $names]
	return [expr {[dict get $answer done] ? [dict get $answer alpn]
	    : [dict get $answer end] eq "alert" ? "" : "?"}]
    }
    set answer [Ask $p [Hello $p $version suites [KnownSuites $p $version] \
	more [list [list \
	    extension_type application_layer_protocol_negotiation \
	    protocol_name_list $names]]]]
    set extension [Extension [dict get $answer hello] \
	application_layer_protocol_negotiation]
    if {[dict exists $extension protocol_name_list]} {
	return [lindex [dict get $extension protocol_name_list] 0]
    }
    return [expr {[Definite $answer] ? "" : "?"}]
}

#------------------------------------------------------------------------
# Resumption and renegotiation
#------------------------------------------------------------------------

# Of the versions before TLS 1.3: by ticket, by id; and renegotiation, in an
# engine's handshake.
proc ::pyossl::expect::probe::ScanOldSessions {p} {
    set version [Old $p]
    if {$version in {"" SSLv3}} {
	return
    }
    set drain {Drain $p $conn $channel $deadline}
    foreach {kind ticket} {ticket 1 id 0} {
	set first [Engine $p $version ticket $ticket verify 0 then $drain]
	if {![dict get $first done]} {
	    continue
	}
	set tickets [Tickets $first $version]
	if {$ticket} {
	    Note $p tickets $version $tickets
	    if {![dict get $tickets count]} {
		Note $p resumption ticket no
		continue
	    }
	}
	if {[dict get $first session] eq ""} {
	    Note $p resumption $kind no
	    continue
	}
	set second [Engine $p $version ticket $ticket verify 0 \
	    session [dict get $first session]]
	if {[dict get $second done]} {
	    Note $p resumption $kind [expr {[dict get $second reused] ? "yes"
		: "no"}]
	}
    }
    set result [Engine $p $version verify 0 \
	then {Renegotiate $p $conn $channel $deadline}]
    if {[dict get $result done]} {
	Note $p renegotiation client [dict get $result then]
    }
}

proc ::pyossl::expect::probe::ScanNewSessions {p} {
    set first [Engine $p TLSv1.3 verify 0 \
	then {Drain $p $conn $channel $deadline}]
    if {![dict get $first done]} {
	return
    }
    set asked [expr {"CertificateRequest" in [lmap message \
	[dict get $first messages] {
	    ::pyossl::expect::message::nameOf $message
	}]}]
    if {[Noted $p client_certificate] ne "yes"} {
	Note $p client_certificate [expr {$asked ? "yes" : "no"}]
    }
    set tickets [Tickets $first TLSv1.3]
    # A server that refuses the client, for want of a certificate say, does so
    # when the client is done, and sends no ticket: it has not shown whether it
    # would.
    set alerts [lsearch -all -inline -glob [dict get $first messages] "alert *"]
    if {![dict get $tickets count] && ($asked && [dict get $first then]
	    || [llength [lsearch -all -not -exact $alerts "alert close_notify"]])} {
	return
    }
    Note $p tickets TLSv1.3 [dict remove $tickets early]
    Note $p early_data [dict get $tickets early]
    if {[dict get $first session] eq ""} {
	Note $p resumption psk no
	return
    }
    set second [Engine $p TLSv1.3 verify 0 \
	session [dict get $first session]]
    if {[dict get $second done]} {
	Note $p resumption psk [expr {[dict get $second reused] ? "yes" : "no"}]
    }
}

# The tickets of a handshake: count, lifetime of the first in seconds, and how
# much early data one allows.
proc ::pyossl::expect::probe::Tickets {result version} {
    set tickets {count 0 lifetime {} early 0}
    foreach message [dict get $result messages] {
	if {[::pyossl::expect::message::nameOf $message] ne "NewSessionTicket"} {
	    continue
	}
	if {[catch {::pyossl::expect::decode $message -version $version} dict]} {
	    continue
	}
	# An empty one says that there is none after all (RFC 5077, 3.3).
	if {[dict get $dict ticket] eq ""} {
	    continue
	}
	dict incr tickets count
	foreach key {ticket_lifetime ticket_lifetime_hint} {
	    if {[dict exists $dict $key] && [dict get $tickets lifetime] eq ""} {
		dict set tickets lifetime [dict get $dict $key]
	    }
	}
	if {[dict exists $dict extensions]} {
	    set early [Extension $dict early_data]
	    if {[dict exists $early max_early_data_size]} {
		dict set tickets early [dict get $early max_early_data_size]
	    }
	}
    }
    if {$version ne "TLSv1.3"} {
	dict unset tickets early
    }
    return $tickets
}

#------------------------------------------------------------------------
# Tolerance
#------------------------------------------------------------------------

# Tolerances p version --
#	What a server must bear: names, each with the words that Hello gets
#	besides.
proc ::pyossl::expect::probe::Tolerances {p version} {
    set suites [KnownSuites $p $version]
    set groups [AllGroups $version]
    # RFC 7685 tells of servers that do not bear hellos of 256 to 511 bytes: one
    # is so small with not too many suites.
    set names {
	extension_type server_name
	server_name_list {{name_type host_name name unknown.invalid}}
    }
    set list [list \
	"GREASE suites" [list suites [concat 0x1A1A $suites 0xFAFA]] \
	"GREASE groups" [list groups [concat 0x2A2A $groups]] \
	"GREASE extensions" {more {{extension_type 0x3A3A extension_data {}}
	    {extension_type 0xEAEA extension_data x}}} \
	"unknown suites" [list suites [concat 0x0BAD 0xFE01 $suites]] \
	"unknown extension" {more {{extension_type 0xBEEF extension_data abc}}} \
	"unknown ALPN" {more {{extension_type
	    application_layer_protocol_negotiation
	    protocol_name_list {unknown/9 http/1.1}}}} \
	"hello of more than 256 bytes" [list suites [lrange $suites 0 39] \
	    size 400] \
	"hello of more than 512 bytes" {size 600} \
	"hello of more than 4096 bytes" {size 4300} \
	"hello of more than a record" {size 17000} \
	"hello in many records" {fragment 60} \
	"hello without a server name" {without server_name} \
	"unknown server name" [list without server_name more [list $names]] \
	"record version 0x0303" {record 0x0303} \
	"record version 0x0300" {record 0x0300} \
	"session id of 32 bytes" [list fields [list legacy_session_id \
	    [::pyossl::rand bytes 32]]] \
	"unknown compression" {fields {
	    legacy_compression_methods {250 null}}}]
    if {$version eq "TLSv1.3"} {
	set list [dict remove $list "unknown compression"]
	set other {without supported_versions more}
	lappend list \
	    "GREASE versions" [list {*}$other {{extension_type
		supported_versions versions {0x7A7A TLSv1.3 TLSv1.2}}}] \
	    "unknown version 0x0305" [list {*}$other {{extension_type
		supported_versions versions {0x0305 TLSv1.3}}}] \
	    "GREASE key share" [list groups [concat 0x4A4A $groups] \
		without key_share more [list [list \
		extension_type key_share client_shares [list \
		{group 0x4A4A key_exchange x} [list group x25519 \
		key_exchange [::pyossl::rand bytes 32]]]]]]
    } else {
	lappend list "legacy version 0x0304" {fields {legacy_version 0x0304}} \
	    "legacy version 0x03FF" {fields {legacy_version 0x03FF}} \
	    "legacy version 0x04FF" {fields {legacy_version 0x04FF}}
    }
    return $list
}

# ScanTolerance p version -- which of them end the handshake.
proc ::pyossl::expect::probe::ScanTolerance {p version} {
    if {![Still $p $version]} {
	return
    }
    foreach {name words} [Tolerances $p $version] {
	Note $p tolerance $version $name [Bears $p $version $words]
    }
}

# Bears p version words --
#	Is the hello with these words answered?
# Results:
#	yes, what came in its place, or unknown: only what goes wrong where the
#	usual goes well is a matter of tolerance, and a connection may be lost by
#	accident, once.
proc ::pyossl::expect::probe::Bears {p version words} {
    set words [dict merge [list suites [KnownSuites $p $version]] $words]
    while 1 {
	set answer [Ask $p [Hello $p $version {*}$words]]
	set end [dict get $answer end]
	if {$end eq "hello" && [dict get $answer version] eq $version} {
	    return yes
	}
	if {![Still $p $version]} {
	    return unknown
	}
	if {[Definite $answer] || [info exists lost]} {
	    return [expr {$end eq "hello"
		? "answered with [dict get $answer version]"
		: [dict get $answer text]}]
	}
	set lost 1
    }
}
