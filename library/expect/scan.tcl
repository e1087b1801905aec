# scan.tcl --
#
#	The questions of a probe about versions, suites, groups and signatures.
#	Each procedure is a scan: it runs in a coroutine of its own, asks by Ask
#	and Engine, and notes in P(result) what it has found.

namespace eval ::pyossl::expect::probe {}

# Note p path ... value -- puts something into the result.
proc ::pyossl::expect::probe::Note {p args} {
    upvar #0 $p P
    dict set P(result) {*}$args
}

proc ::pyossl::expect::probe::Noted {p args} {
    upvar #0 $p P
    return [dict get $P(result) {*}$args]
}

# Is there an answer that says yes or no, and not only a lost connection?
proc ::pyossl::expect::probe::Definite {answer} {
    return [expr {[dict get $answer end] in {hello alert}}]
}

#------------------------------------------------------------------------
# Versions
#------------------------------------------------------------------------

# ScanVersion p version --
#	Does the server speak it?  One that is overwhelmed by a hello with
#	everything in it is asked once more with a small one.
proc ::pyossl::expect::probe::ScanVersion {p version} {
    upvar #0 $p P
    set answer [Ask $p [Hello $p $version]]
    if {[dict get $answer end] in {closed reset timeout}} {
	set small [Ask $p [Hello $p $version suites [UsualSuites $version]]]
	if {[Definite $small]} {
	    set P(small) 1
	    set answer $small
	}
    }
    set yes [expr {[dict get $answer end] eq "hello"
	&& [dict get $answer version] eq $version}]
    Note $p protocols $version [expr {$yes ? "yes"
	: [Definite $answer] ? "no" : "no answer"}]
    Note $p refusals $version [expr {$yes ? ""
	: [dict get $answer end] eq "hello"
	    ? "answered with [dict get $answer version]"
	: [dict get $answer text]}]
    set P(end,$version) [dict get $answer end]
}

# A handful of suites, of which every server has one.
proc ::pyossl::expect::probe::UsualSuites {version} {
    return [lsearch -all -inline -regexp [AllSuites $version] {(?x) ^TLS_(
	(ECDHE_(RSA|ECDSA)|DHE_RSA|RSA)_WITH_
	    (AES_(128|256)_(CBC_SHA|GCM_SHA256|GCM_SHA384)
	    |3DES_EDE_CBC_SHA|RC4_128_SHA)
	|AES.*GCM.*|CHACHA.*)$}]
}

#------------------------------------------------------------------------
# Cipher suites
#------------------------------------------------------------------------

# ScanSuites p version --
#	Which there are, in which order, and whose.
proc ::pyossl::expect::probe::ScanSuites {p version} {
    upvar #0 $p P
    set all [AllSuites $version]
    set found {}
    if {$P(small)} {
	for {set i 0} {$i < [llength $all]} {incr i 50} {
	    lappend found {*}[TakeAway $p suites \
		[lrange $all $i $i+49] [list Suite $p $version]]
	}
	set all $found
    }
    set found [TakeAway $p suites $all [list Suite $p $version]]
    Note $p suites $version $found
    Note $p preferences $version [Preference $found [list Suite $p $version]]
}

# The suite that is chosen among some; empty if none, ? if nobody can tell.
proc ::pyossl::expect::probe::Suite {p version suites} {
    set answer [Ask $p [Hello $p $version suites $suites]]
    if {[dict get $answer end] eq "hello"
	    && [dict get $answer version] eq $version} {
	return [dict get $answer suite]
    }
    return [expr {[Definite $answer] ? "" : "?"}]
}

# TakeAway p what names choose --
#	Asks which of the names is chosen, takes it away, and asks on until none
#	is.
# Results:
#	The chosen ones, in their order.
proc ::pyossl::expect::probe::TakeAway {p what names choose} {
    set found {}
    set again 1
    while {[llength $names]} {
	set chosen [{*}$choose $names]
	if {$chosen eq "?" && $again} {
	    # A connection may be lost by accident, once.
	    set again 0
	    continue
	}
	set index [lsearch -exact $names $chosen]
	if {$index < 0} {
	    break
	}
	lappend found $chosen
	set names [lreplace $names $index $index]
    }
    return $found
}

# Preference found choose --
#	Whose order counts: what is chosen when all are asked for the other way
#	round?
proc ::pyossl::expect::probe::Preference {found choose} {
    if {[llength $found] < 2} {
	return none
    }
    set chosen [{*}$choose [lreverse $found]]
    if {$chosen eq [lindex $found 0]} {
	return server
    }
    return [expr {$chosen eq [lindex $found end] ? "client" : "unknown"}]
}

#------------------------------------------------------------------------
# Groups
#------------------------------------------------------------------------

proc ::pyossl::expect::probe::ScanGroups {p version} {
    set choose [list Group $p $version]
    set found [TakeAway $p groups [AllGroups $version] $choose]
    # A server whose certificate has a curve answers only those who know that
    # curve: the others are asked for in front of those that were found.
    if {[llength $found] && $version ne "TLSv1.3"} {
	set left [lmap group [AllGroups $version] {
	    if {$group in $found} continue
	    set group
	}]
	while {[llength $left]} {
	    set chosen [{*}$choose [concat $left $found]]
	    set index [lsearch -exact $left $chosen]
	    if {$index < 0} {
		break
	    }
	    lappend found $chosen
	    set left [lreplace $left $index $index]
	}
    }
    Note $p groups $version $found
    Note $p grouppreferences $version [Preference $found $choose]
}

# The group that is chosen among some. In TLS 1.3 none comes with a key, so
# that the server must name the one it wants.
proc ::pyossl::expect::probe::Group {p version groups} {
    upvar #0 $p P
    if {$version eq "TLSv1.3"} {
	set answer [Ask $p [Hello $p $version groups $groups shares {}]]
	set share [Extension [dict get $answer hello] key_share]
	if {[dict exists $share selected_group]} {
	    return [dict get $share selected_group]
	}
    } else {
	set suites [lsearch -all -inline [Noted $p suites $version] *_ECDH*]
	if {![llength $suites]} {
	    return ""
	}
	set answer [Ask $p [Hello $p $version suites $suites groups $groups] \
	    flight]
	set exchange [KeyExchange $answer]
	if {[dict exists $exchange namedcurve]} {
	    return [dict get $exchange namedcurve]
	}
    }
    return [expr {[Definite $answer] ? "" : "?"}]
}

# The ServerKeyExchange of an answer as a dict; empty if there is none.
proc ::pyossl::expect::probe::KeyExchange {answer} {
    if {![dict exists $answer messages ServerKeyExchange]} {
	return ""
    }
    if {[catch {
	::pyossl::expect::decode [dict get $answer messages ServerKeyExchange] \
	    -version [dict get $answer version] -cipher [dict get $answer suite]
    } exchange]} {
	return ""
    }
    return $exchange
}

# How long the prime of a Diffie-Hellman exchange is.
proc ::pyossl::expect::probe::ScanDh {p version} {
    set suites [lsearch -all -inline -regexp [Noted $p suites $version] \
	{^TLS_DHE?_}]
    if {![llength $suites]} {
	return
    }
    # Without FFDHE groups a server sends the prime that it has for all.
    set answer [Ask $p [Hello $p $version suites $suites \
	groups {x25519 secp256r1 secp384r1}] flight]
    set exchange [KeyExchange $answer]
    if {[dict exists $exchange dh_p]} {
	set prime [string trimleft [binary encode hex [dict get $exchange dh_p]] 0]
	scan [string index $prime 0] %x top
	Note $p dhbits [expr {4 * ([string length $prime] - 1)
	    + [string length [format %b $top]]}]
    }
}

#------------------------------------------------------------------------
# Signature schemes
#------------------------------------------------------------------------

proc ::pyossl::expect::probe::ScanSignatures {p version} {
    if {$version ne "TLSv1.3"} {
	# For each kind of key alone: a server may choose the key by the suite,
	# and then refuse what another one of its keys could do.
	set found {}
	foreach key {RSA ECDSA DSS} {
	    foreach scheme [TakeAway $p signatures [AllSignatures $version] \
		    [list Signature $p $version $key]] {
		if {$scheme ni $found} {
		    lappend found $scheme
		}
	    }
	}
	Note $p signatures $version $found
	return
    }
    # In TLS 1.3 the signature is encrypted: each scheme is offered alone.
    set found {}
    foreach scheme [AllSignatures $version] {
	set answer [Ask $p [Hello $p $version signatures [list $scheme] \
	    {*}[Share $p]] flight]
	if {[dict get $answer end] eq "hello"
		&& [dict get $answer encrypted] > 200} {
	    lappend found $scheme
	}
    }
    Note $p signatures $version $found
}

# Share p -- words for Hello: a group with a key share that the server takes at
# once, and no other.  A point of most curves must be made, of two any bytes are
# one; and 4 is the square of the generator of all FFDHE groups.
proc ::pyossl::expect::probe::Share {p} {
    set groups [Noted $p groups TLSv1.3]
    foreach {group how} {
	x25519 32 secp256r1 prime256v1 secp384r1 secp384r1 secp521r1 secp521r1
	x448 56 ffdhe2048 256 ffdhe3072 384 ffdhe4096 512
    } {
	if {$group ni $groups} {
	    continue
	}
	set key [expr {![string is integer $how] ? [Point $how]
	    : $how < 100 ? [::pyossl::rand bytes $how]
	    : "[string repeat \0 [expr {$how - 1}]]\x04"}]
	return [list groups [list $group] without key_share more [list [list \
	    extension_type key_share client_shares [list [list \
	    group $group key_exchange $key]]]]]
    }
    return {}
}

# The public point of a new key on a curve: it is what ends the structure of
# the public key in a certificate request.
proc ::pyossl::expect::probe::Point {curve} {
    set key [::pyossl::pkey new]
    set request [::pyossl::x509req new]
    try {
	$key generate_key EC $curve
	$request set_pubkey $key
	$request sign $key sha256
	set der [::pyossl::dump_certificate_request ASN1 $request]
    } finally {
	$key destroy
	$request destroy
    }
    set size [dict get {prime256v1 65 secp384r1 97 secp521r1 133} $curve]
    # BIT STRING, its length, no unused bits, an uncompressed point
    set head \x03[expr {$size + 1 < 128 ? [binary format c [expr {$size + 1}]]
	: [binary format cc 0x81 [expr {$size + 1}]]}]\x00\x04
    set at [string first $head $der]
    return [string range $der $at+[expr {[string length $head] - 1}] \
	$at+[expr {[string length $head] + $size - 2}]]
}

# The scheme that a ServerKeyExchange is signed with, by a kind of key.
proc ::pyossl::expect::probe::Signature {p version key schemes} {
    set suites [lsearch -all -inline -regexp [Noted $p suites $version] \
	"^TLS_(ECDHE|DHE)_${key}_"]
    if {![llength $suites]} {
	return ""
    }
    set answer [Ask $p [Hello $p $version suites $suites \
	signatures $schemes] flight]
    set exchange [KeyExchange $answer]
    if {[dict exists $exchange algorithm]} {
	return [dict get $exchange algorithm]
    }
    return [expr {[Definite $answer] ? "" : "?"}]
}
