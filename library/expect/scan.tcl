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

# Insist p hello ?until? -- Ask, and once more if the connection was lost.
proc ::pyossl::expect::probe::Insist {p hello {until hello}} {
    set answer [Ask $p $hello $until]
    return [expr {[Definite $answer] ? $answer : [Ask $p $hello $until]}]
}

# Still p version --
#	Does the server answer yet what it has answered before?  Where it does
#	not, the refusals and the silence before that say nothing of what it has.
proc ::pyossl::expect::probe::Still {p version} {
    set answer [Insist $p [Hello $p $version suites [KnownSuites $p $version]]]
    return [expr {[dict get $answer end] eq "hello"
	&& [dict get $answer version] eq $version}]
}

# The suites that were found, or those by which the version was found.
proc ::pyossl::expect::probe::KnownSuites {p version} {
    upvar #0 $p P
    if {[dict exists $P(result) suites $version]} {
	set suites [Noted $p suites $version]
	if {$suites ne "unknown"} {
	    return $suites
	}
    }
    return [expr {$P(small) ? [UsualSuites $version] : [AllSuites $version]}]
}

# NoteList p key version found complete --
#	Puts a list into the result, and whether it may lack some.
proc ::pyossl::expect::probe::NoteList {p key version found complete} {
    upvar #0 $p P
    if {!$complete} {
	if {[llength $found]} {
	    dict update P(result) incomplete incomplete {
		dict lappend incomplete $key $version
	    }
	} else {
	    set found unknown
	}
    }
    if {$key eq "alpn"} {
	Note $p alpn protocols $found
    } else {
	Note $p $key $version $found
    }
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
    # Who refuses the name has not come to the version.
    Note $p protocols $version [expr {$yes ? "yes"
	: [Definite $answer] && [dict get $answer alert] ne "unrecognized_name"
	    ? "no" : "no answer"}]
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
    set complete 1
    set choose [list Suite $p $version]
    if {$P(small)} {
	set found {}
	for {set i 0} {$i < [llength $all]} {incr i 50} {
	    lassign [AllTaken $p $version [lrange $all $i $i+49] $choose] some end
	    lappend found {*}$some
	    set complete [expr {$complete && $end}]
	}
	set all $found
    }
    lassign [AllTaken $p $version $all $choose] found end
    # One there must be: with one it was seen that the version is spoken.
    set complete [expr {$complete && $end && [llength $found]}]
    NoteList $p suites $version $found $complete
    Note $p preferences $version [Preference $found $complete $choose]
}

# AllTaken p version suites choose --
#	As TakeAway; but a refusal is not the end.  A server may have chosen the
#	key by all that it was asked for, and have no suite for that one: what is
#	left is asked for by kinds of keys.
proc ::pyossl::expect::probe::AllTaken {p version suites choose} {
    lassign [Taken $suites $choose] found left end
    if {$end eq "" && $version ne "TLSv1.3"} {
	foreach pattern {^TLS_RSA_ _RSA_ _ECDSA_ _DSS_ .} {
	    set these [lsearch -all -inline -regexp $left $pattern]
	    set left [lsearch -all -inline -not -regexp $left $pattern]
	    lassign [Taken $these $choose] some - end
	    lappend found {*}$some
	    if {$end ni {"" done}} {
		break
	    }
	    set end ""
	}
    }
    return [list $found [Ended $p $version $end]]
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

# TakeAway p version names choose ?others? --
#	Asks which of the names is chosen, takes it away, and asks on until none
#	is; the others are asked for behind them all the time.
# Results:
#	The chosen ones, in their order; and 1, or 0 if there may be more of
#	them: the server has ceased to answer, in whatever way.
proc ::pyossl::expect::probe::TakeAway {p version names choose {others {}}} {
    lassign [Taken $names $choose $others] found - end
    return [list $found [Ended $p $version $end]]
}

# Taken names choose ?others? --
#	What TakeAway does, without looking why it came to its end.
# Results:
#	The chosen ones, those left, and what was chosen then: done if nothing is
#	left, empty for a refusal, ? for no answer.
proc ::pyossl::expect::probe::Taken {names choose {others {}}} {
    set found {}
    while {[llength $names]} {
	set chosen [Choice $choose [concat $names $others]]
	set index [lsearch -exact $names $chosen]
	if {$index < 0} {
	    return [list $found $names $chosen]
	}
	lappend found $chosen
	set names [lreplace $names $index $index]
    }
    return [list $found {} done]
}

# Is an end as Taken tells it the end of what there is?
proc ::pyossl::expect::probe::Ended {p version end} {
    return [expr {$end ni {"" ?} || $end eq "" && [Still $p $version]}]
}

# Choice choose names -- what is chosen; a connection may be lost by accident,
# once.
proc ::pyossl::expect::probe::Choice {choose names} {
    set chosen [{*}$choose $names]
    return [expr {$chosen eq "?" ? [{*}$choose $names] : $chosen}]
}

# Preference found complete choose --
#	Whose order counts: what is chosen when all are asked for the other way
#	round?
proc ::pyossl::expect::probe::Preference {found complete choose} {
    if {!$complete} {
	return unknown
    }
    if {[llength $found] < 2} {
	return none
    }
    set chosen [Choice $choose [lreverse $found]]
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
    lassign [TakeAway $p $version [AllGroups $version] $choose] found complete
    # A server whose certificate has a curve answers only those who know that
    # curve: the others are asked for in front of those that were found.
    if {[llength $found] && $version ne "TLSv1.3"} {
	set left [lmap group [AllGroups $version] {
	    if {$group in $found} continue
	    set group
	}]
	lassign [TakeAway $p $version $left $choose $found] more end
	lappend found {*}$more
	set complete [expr {$complete && $end}]
    }
    # In TLS 1.3 nothing goes without a group. A server that only takes a key
    # which the client has sent by itself is not asked for it here.
    if {$version eq "TLSv1.3" && ![llength $found]} {
	set complete 0
    }
    Note $p grouppreferences $version [Preference $found $complete $choose]
    if {$version eq "TLSv1.2"} {
	lassign [Ffdhe $p $version] more end
	lappend found {*}$more
	set complete [expr {$complete && $end}]
    }
    NoteList $p groups $version $found $complete
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
	set suites [lsearch -all -inline [KnownSuites $p $version] *_ECDH*]
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

# Ffdhe p version --
#	The groups of RFC 7919 that a server has before TLS 1.3.  Each is asked
#	for alone, since the answer names none, but has a prime.  A server that
#	comes with another one does not look what it is asked for.
# Results:
#	The groups; and 1, or 0 if there may be more of them.
proc ::pyossl::expect::probe::Ffdhe {p version} {
    set suites [lsearch -all -inline -regexp [KnownSuites $p $version] \
	{^TLS_DHE_|^TLS_DH_anon_}]
    if {![llength $suites]} {
	return {{} 1}
    }
    set found {}
    set end done
    foreach group [lsearch -all -inline [AllGroups $version] ffdhe*] {
	set answer [Insist $p [Hello $p $version suites $suites \
	    groups [list $group]] flight]
	if {![Definite $answer]} {
	    return [list $found 0]
	}
	set exchange [KeyExchange $answer]
	if {![dict exists $exchange dh_p]} {
	    set end ""
	    continue
	}
	# All of them, and none of those before, begin alike.
	lassign [Prime $exchange] bits hex
	if {"ffdhe$bits" ne $group
		|| ![string match ffffffffffffffffadf85458a2bb4a9a* $hex]} {
	    return {{} 1}
	}
	lappend found $group
    }
    return [list $found [Ended $p $version $end]]
}

# The length in bits of the prime of a key exchange, and its digits.
proc ::pyossl::expect::probe::Prime {exchange} {
    set hex [string trimleft [binary encode hex [dict get $exchange dh_p]] 0]
    set bits 0
    if {[scan [string index $hex 0] %x top] == 1} {
	set bits [expr {4 * ([string length $hex] - 1)
	    + [string length [format %b $top]]}]
    }
    return [list $bits $hex]
}

# How long the prime of a Diffie-Hellman exchange is.
proc ::pyossl::expect::probe::ScanDh {p version} {
    set suites [lsearch -all -inline -regexp [KnownSuites $p $version] \
	{^TLS_DHE?_}]
    if {![llength $suites]} {
	return
    }
    # Without FFDHE groups a server sends the prime that it has for all.
    set answer [Insist $p [Hello $p $version suites $suites \
	groups {x25519 secp256r1 secp384r1}] flight]
    set exchange [KeyExchange $answer]
    if {[dict exists $exchange dh_p]} {
	Note $p dhbits [lindex [Prime $exchange] 0]
    }
}

#------------------------------------------------------------------------
# Signature schemes
#------------------------------------------------------------------------

proc ::pyossl::expect::probe::ScanSignatures {p version} {
    set found {}
    set complete 1
    if {$version ne "TLSv1.3"} {
	# For each kind of key alone: a server may choose the key by the suite,
	# and then refuse what another one of its keys could do.
	foreach key {RSA ECDSA DSS} {
	    set suites [lsearch -all -inline -regexp \
		[KnownSuites $p $version] "^TLS_(ECDHE|DHE)_${key}_"]
	    if {![llength $suites]} {
		continue
	    }
	    lassign [TakeAway $p $version [AllSignatures $version] \
		[list Signature $p $version $suites]] some end
	    set complete [expr {$complete && $end}]
	    foreach scheme $some {
		if {$scheme ni $found} {
		    lappend found $scheme
		}
	    }
	}
	NoteList $p signatures $version $found $complete
	return
    }
    # In TLS 1.3 the signature is encrypted: each scheme is offered alone, and
    # what is long has one in it. How long it is without, a request for the
    # client's certificate for one, is seen with schemes that everybody knows and
    # nobody may sign with here, or else with one that nobody knows.
    set share [Share $p]
    foreach schemes {
	{rsa_pkcs1_sha256 rsa_pkcs1_sha384 rsa_pkcs1_sha512} 0xFEFE
    } {
	set answer [Insist $p \
	    [Hello $p $version signatures $schemes {*}$share] ending]
	set most [expr {[dict get $answer encrypted] + 200}]
	set ended [expr {[dict get $answer over] || $most <= 400}]
	if {$ended} {
	    break
	}
    }
    # Who goes on with that one would with any.
    if {!$ended} {
	NoteList $p signatures $version {} 0
	return
    }
    foreach scheme [AllSignatures $version] {
	set answer [Insist $p \
	    [Hello $p $version signatures [list $scheme] {*}$share] $most]
	if {![Definite $answer]} {
	    set complete 0
	    break
	}
	if {[dict get $answer end] eq "hello"
		&& [dict get $answer encrypted] > $most} {
	    lappend found $scheme
	}
    }
    set found [Signing $p $version $found]
    # None is none that was seen: a server that speaks it signs with one.
    NoteList $p signatures $version $found [expr {$complete
	&& [llength $found] && [Still $p $version]}]
}

# Signing p version schemes --
#	There are servers that find out behind their certificates that they
#	cannot sign: the engine looks for the signature.
# Results:
#	The schemes without those of which that was seen.  Where the engine comes
#	to no signature at all, it is its fault.
proc ::pyossl::expect::probe::Signing {p version schemes} {
    set signs {}
    foreach scheme $schemes {
	dict set signs $scheme [Signs $p $version $scheme]
    }
    if {"yes" ni [dict values $signs]} {
	return $schemes
    }
    return [lmap scheme $schemes {
	if {[dict get $signs $scheme] eq "no"} continue
	set scheme
    }]
}

# Signs p version scheme -- yes, no, or unknown if the engine cannot tell.
proc ::pyossl::expect::probe::Signs {p version scheme} {
    set ctx [::pyossl::ctx new TLS_CLIENT_METHOD]
    set known [expr {![catch {$ctx set_sigalgs $scheme}]}]
    $ctx destroy
    if {!$known} {
	return unknown
    }
    foreach sigalgs [ForChain $scheme] {
	set result [Engine $p $version sigalgs $sigalgs verify 0]
	foreach message [dict get $result messages] {
	    if {[::pyossl::expect::message::nameOf $message]
		    eq "CertificateVerify"} {
		set verify [::pyossl::expect::decode $message -version $version]
		return [expr {[dict get $verify algorithm] eq $scheme ? "yes"
		    : "no"}]
	    }
	}
	if {[dict get $result end] ne "alert"} {
	    return unknown
	}
    }
    return no
}

# Share p -- words for Hello: a group with a key share that the server takes at
# once, and no other; none if it has no such group, or does not say.  A point of
# most curves must be made, of two any bytes are one; and 4 is the square of the
# generator of all FFDHE groups.
proc ::pyossl::expect::probe::Share {p} {
    set shares {
	x25519 32 secp256r1 prime256v1 secp384r1 secp384r1 secp521r1 secp521r1
	x448 56 ffdhe2048 256 ffdhe3072 384 ffdhe4096 512 ffdhe6144 768
	ffdhe8192 1024
    }
    set group [Choice [list Group $p TLSv1.3] [dict keys $shares]]
    if {![dict exists $shares $group]} {
	return {}
    }
    set how [dict get $shares $group]
    set key [expr {![string is integer $how] ? [Point $how]
	: $how < 100 ? [::pyossl::rand bytes $how]
	: "[string repeat \0 [expr {$how - 1}]]\x04"}]
    return [list groups [list $group] without key_share more [list [list \
	extension_type key_share client_shares [list [list \
	group $group key_exchange $key]]]]]
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

# The scheme that a ServerKeyExchange is signed with, by suites of one kind of
# key.
proc ::pyossl::expect::probe::Signature {p version suites schemes} {
    set answer [Ask $p [Hello $p $version suites $suites \
	signatures $schemes] flight]
    set exchange [KeyExchange $answer]
    if {[dict exists $exchange algorithm]} {
	return [dict get $exchange algorithm]
    }
    return [expr {[Definite $answer] ? "" : "?"}]
}
