# probefinding.tcl --
#
#	What a reviewer would write down: rules that make findings of the result
#	of a probe.  They ask nothing and know no connection.
#
#	A finding is a dict: severity (high, medium, low, info), id, text (what),
#	why (one line) and reference (an RFC and its section).

namespace eval ::pyossl::expect::probe {
    variable severities {high medium low info}
}

# Findings result -- a list of findings, the gravest first.
proc ::pyossl::expect::probe::Findings {result} {
    variable severities
    set findings {}
    foreach rule {Protocols Suites Keys Certificates Extensions Sessions
	    Tolerance} {
	Find$rule $result findings
    }
    return [lsort -command [list apply {{order a b} {
	expr {[lsearch $order [dict get $a severity]]
	    - [lsearch $order [dict get $b severity]]}
    }} $severities] $findings]
}

# Adds a finding to the list of the caller.
proc ::pyossl::expect::probe::Find {severity id text why reference} {
    upvar 1 findings findings
    lappend findings [dict create severity $severity id $id text $text \
	why $why reference $reference]
}

proc ::pyossl::expect::probe::FindProtocols {result findingsVar} {
    upvar 1 $findingsVar findings
    set protocols [dict get $result protocols]
    set yes [dict keys [dict filter $protocols value yes]]
    set no [dict keys [dict filter $protocols value no]]
    # A version is refused for itself, and not for the name, by another alert.
    if {![llength $yes] && "alert unrecognized_name"
	    in [dict values [dict get $result refusals]]} {
	Find info name_refused "the server refuses the name that it is asked\
	    for, or who sends none: -servername gives one" \
	    "nothing can be asked without a name that it has" "RFC 6066, 3"
	return
    }
    if {![llength $yes]} {
	Find high no_tls "no version of TLS is answered" \
	    "nothing else can be asked" "RFC 8446, 4.1.3"
	return
    }
    if {"SSLv3" in $yes} {
	Find high sslv3 "SSL 3.0 is spoken" \
	    "its padding gives the plaintext away, and it must not be used" \
	    "RFC 7568, 3"
    }
    foreach {version severity} {TLSv1 medium TLSv1.1 medium} {
	if {$version in $yes} {
	    Find $severity [string tolower $version] "$version is spoken" \
		"it needs MD5 and SHA-1, and must not be used any more" \
		"RFC 8996, 4 and 5"
	}
    }
    # Who has not answered has not said that there is none.
    if {"TLSv1.2" in $no && "TLSv1.3" in $no} {
	Find high only_old "neither TLS 1.2 nor TLS 1.3 is spoken" \
	    "clients of today cannot connect" "RFC 9325, 3.1.1"
    } elseif {"TLSv1.3" in $no} {
	Find low no_tlsv1.3 "TLS 1.3 is not spoken" \
	    "it is the version that servers should prefer" "RFC 9325, 3.1.1"
    }
    if {[dict get $result fallback_scsv] eq "no"} {
	Find low no_fallback_scsv "the fallback signal is not heeded" \
	    "an attacker can bring old clients down to an older version" \
	    "RFC 7507, 3"
    }
    if {[dict get $result downgrade_mark] eq "no"} {
	Find medium no_downgrade_mark \
	    "the random of an older version has no mark of TLS 1.3" \
	    "clients cannot tell that somebody brought the version down" \
	    "RFC 8446, 4.1.3"
    }
}

proc ::pyossl::expect::probe::FindSuites {result findingsVar} {
    upvar 1 $findingsVar findings
    set all {}
    dict for {version names} [dict get $result suites] {
	foreach name $names {
	    dict lappend all $name $version
	}
    }
    foreach {id severity pattern what why reference} {
	null_cipher high _WITH_NULL_|^TLS_SHA(256|384)_ "without encryption"
	    "everybody on the way can read" "RFC 9325, 4.1"
	anonymous high _anon_ "without authentication"
	    "everybody on the way can be the server" "RFC 9325, 4.1"
	export_cipher high _EXPORT_ "of export strength"
	    "40 and 56 bits are broken in minutes" "RFC 9325, 4.1"
	rc4 high _RC4_ "with RC4"
	    "its key stream gives the plaintext away" "RFC 7465, 2"
	single_des high _DES_CBC_|_DES40_|_RC2_ "with DES or RC2"
	    "keys of 56 bits are broken in hours" "RFC 5469, 4"
	small_blocks medium _3DES_|_IDEA_ "with blocks of 64 bits"
	    "long connections give plaintext away" "RFC 9325, 4.1"
	md5_mac medium _MD5$ "with MD5"
	    "it is broken as a hash" "RFC 6151, 2"
	no_forward_secrecy low {^TLS_((RSA|DH|ECDH)_)?(RSA|DSS|ECDSA|PSK)_WITH_(?!NULL)}
	    "without forward secrecy"
	    "who gets the key reads all that was ever recorded" "RFC 9325, 4.1"
    } {
	set names [lsearch -all -inline -regexp [dict keys $all] $pattern]
	if {[llength $names]} {
	    Find $severity $id "[Count $names {cipher suite}] $what:\
		[Some $names]" $why $reference
	}
    }
    dict for {version whose} [dict get $result preferences] {
	if {$whose eq "client" && $version ne "TLSv1.3"} {
	    Find info client_order \
		"in $version the client's order of cipher suites counts" \
		"a client can choose the weakest that both have" "RFC 9325, 4.2.1"
	}
    }
}

# "1 cipher suite", "2 cipher suites"
proc ::pyossl::expect::probe::Count {list noun} {
    set n [llength $list]
    return "$n $noun[expr {$n == 1 ? {} : {s}}]"
}

# The first few of a list.
proc ::pyossl::expect::probe::Some {names} {
    set text [join [lrange $names 0 2] ", "]
    if {[llength $names] > 3} {
	append text ", ..."
    }
    return $text
}

proc ::pyossl::expect::probe::FindKeys {result findingsVar} {
    upvar 1 $findingsVar findings
    set bits [dict get $result dhbits]
    if {$bits ne "" && $bits < 2048} {
	Find [expr {$bits < 1024 ? "high" : "medium"}] weak_dh \
	    "the Diffie-Hellman prime has $bits bits" \
	    "less than 2048 bits can be broken beforehand" "RFC 9325, 4.5"
    }
    set weak {}
    dict for {version names} [dict get $result groups] {
	foreach name $names {
	    if {[regexp {[a-z](16|19)\d[kr]} $name] && $name ni $weak} {
		lappend weak $name
	    }
	}
    }
    if {[llength $weak]} {
	Find medium weak_group "[Count $weak group] of less than 224 bits:\
	    [Some $weak]" "curves that small are within reach" "RFC 9325, 4.5"
    }
    set weak {}
    dict for {version names} [dict get $result signatures] {
	foreach name $names {
	    if {[regexp {md5|sha1$} $name] && $name ni $weak} {
		lappend weak $name
	    }
	}
    }
    if {[llength $weak]} {
	Find medium weak_signature_scheme \
	    "the server signs with MD5 or SHA-1: [Some $weak]" \
	    "collisions can be made, and the server must not offer it" \
	    "RFC 9155, 4"
    }
}

proc ::pyossl::expect::probe::FindCertificates {result findingsVar} {
    upvar 1 $findingsVar findings
    foreach certificate [dict get $result certificates] {
	foreach fault [dict get $certificate faults] {
	    set id [dict get $fault fault]
	    lassign [dict get {
		expired {high "clients refuse it" "RFC 5280, 4.1.2.5"}
		not_yet_valid {high "clients refuse it" "RFC 5280, 4.1.2.5"}
		name_mismatch {high "clients take it for another server"
		    "RFC 9525, 6"}
		missing_san {high "clients look for the name nowhere else"
		    "RFC 9525, 6.1"}
		self_signed {medium "nobody vouches for it" "RFC 5280, 3.2"}
		weak_key {high "a key that small is within reach"
		    "RFC 9325, 4.5"}
		weak_signature {high "it can be forged" "RFC 9325, 4.1"}
		incomplete_chain {medium
		    "clients without that certificate refuse it"
		    "RFC 8446, 4.4.2"}
		wrong_order {low "some clients cannot put it in order"
		    "RFC 8446, 4.4.2"}
		untrusted {medium "clients refuse it" "RFC 5280, 6.1"}
		invalid {high "clients refuse it" "RFC 5280, 6.1"}
		superfluous {low "clients that take another way refuse it"
		    "RFC 8446, 4.4.2"}
		unreadable {high "clients refuse it" "RFC 5280, 4.1"}
	    } $id] severity why reference
	    set text [dict get $fault text]
	    # With several certificates one must know which.
	    if {[llength [dict get $result certificates]] > 1} {
		set leaf [lindex [dict get $certificate chain] 0]
		append text " ([dict get $leaf key],\
		    serial [dict get $leaf serial])"
	    }
	    Find $severity $id $text $why $reference
	}
    }
}

proc ::pyossl::expect::probe::FindExtensions {result findingsVar} {
    upvar 1 $findingsVar findings
    set compression [dict get $result compression]
    if {$compression ni {none unknown}} {
	Find high compression "compression: [join $compression {, }]" \
	    "its length gives plaintext away" "RFC 9325, 3.3"
    }
    if {[dict get $result renegotiation secure] eq "no"} {
	Find high insecure_renegotiation \
	    "renegotiation is not secured" \
	    "somebody on the way can put his words before the client's" \
	    "RFC 5746, 3.6"
    }
    if {[dict get $result renegotiation client] eq "accepted"} {
	Find low client_renegotiation "clients may renegotiate" \
	    "one client can make much work for the server" "RFC 9325, 3.5"
    }
    if {[dict get $result extended_master_secret] eq "no"} {
	Find low no_extended_master_secret \
	    "the extended master secret is not agreed on" \
	    "two connections can be made to share their secret" "RFC 7627, 1"
    }
    if {[dict get $result encrypt_then_mac] eq "no"} {
	Find low no_encrypt_then_mac \
	    "suites with CBC are used without encrypt-then-MAC" \
	    "their padding has given plaintext away before" "RFC 7366, 1"
    }
    if {[dict get $result heartbeat] eq "yes"} {
	Find info heartbeat "heartbeats are agreed on" \
	    "hardly anybody needs them over TCP" "RFC 6520, 2"
    }
}

proc ::pyossl::expect::probe::FindSessions {result findingsVar} {
    upvar 1 $findingsVar findings
    set early [dict get $result early_data]
    if {$early ne "unknown" && $early > 0} {
	Find info early_data "up to $early bytes of early data are taken" \
	    "they can be sent again by somebody else" "RFC 8446, 8"
    }
    # Before TLS 1.3 the lifetime is a hint, and has no bound.
    if {[dict exists $result tickets TLSv1.3]} {
	set lifetime [dict get $result tickets TLSv1.3 lifetime]
	if {[string is entier -strict $lifetime] && $lifetime > 604800} {
	    Find medium long_tickets \
		"tickets of TLSv1.3 live for $lifetime seconds" \
		"seven days are the most" "RFC 8446, 4.6.1"
	}
    }
}

proc ::pyossl::expect::probe::FindTolerance {result findingsVar} {
    upvar 1 $findingsVar findings
    set rights {
	"unknown server name" "alert *"
	"hello without a server name" "alert *"
	"unknown ALPN" "alert no_application_protocol"
    }
    dict for {version cases} [dict get $result tolerance] {
	dict for {name how} $cases {
	    # A server may turn away a name, or protocols, that it has not, and
	    # who sends no name (RFC 8446, 9.2); with which alert it says so
	    # depends on what finds that there is no certificate for it.
	    if {$how in {yes unknown} || [dict exists $rights $name]
		    && [string match [dict get $rights $name] $how]} {
		continue
	    }
	    set name [string tolower [string index $name 0]][string range \
		$name 1 end]
	    regsub ^gREASE $name GREASE name
	    Find medium intolerance "in $version not borne: $name ($how)" \
		"clients of tomorrow cannot connect" \
		[expr {[string match GREASE* $name] ? "RFC 8701, 3"
		    : "RFC 8446, 9.3"}]
	}
    }
}
