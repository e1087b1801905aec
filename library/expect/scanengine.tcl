# scanengine.tcl --
#
#	What a probe needs whole handshakes for: the certificates of TLS 1.3 and
#	what verification says, resumption, tickets, renegotiation.  A conn of
#	the extension does them, which is here as lenient as it can be; what it
#	cannot do is "unknown" in the result, never "no".

namespace eval ::pyossl::expect::probe {
    variable seen		;# array: conn -> dict of messages, faults and
				;# needed, as Engine returns them
}

# Engine p version ?key value ...? --
#	Shakes hands.
# Arguments:
#	version	the only one
#	ciphers, sigalgs, groups, alpn	as the context takes them
#	session	one to offer
#	ticket	0: ask for none
#	verify	0: not what certificates are worth. With it no session is
#		resumed where there is no certificate.
#	then	a script for when it is done, in this procedure, with conn
# Results:
#	A dict: done 0|1, end and text (as Ask), messages (list of those that
#	came), faults (list of {number depth}), needed (SHA-256 of the
#	certificates on the way to the authority), session, reused, alpn, then.
proc ::pyossl::expect::probe::Engine {p version args} {
    upvar #0 $p P
    variable seen
    set options [dict merge {ciphers ALL:COMPLEMENTOFALL:@SECLEVEL=0
	sigalgs {} groups {} alpn {} session {} ticket 1 verify 1 then {}} $args]
    set result {done 0 end timeout text {} messages {} faults {} needed {}
	session {} reused 0 alpn {} then {}}
    Acquire $p
    set ctx ""
    set conn ""
    set channel ""
    try {
	if {$P(silent) >= $P(patience)} {
	    return $result
	}
	set deadline [expr {[clock milliseconds] + $P(timeout)}]
	set ctx [EngineContext $p $version $options]
	set conn [::pyossl::conn new $ctx]
	set seen($conn) {messages {} faults {} needed {}}
	$conn set_connect_state
	if {$P(servername) ne ""} {
	    $conn set_tlsext_host_name $P(servername)
	}
	if {[dict get $options session] ne ""} {
	    $conn set_session [dict get $options session]
	}
	set channel [Open $p $deadline]
	Drive $p $conn $channel $deadline {$conn do_handshake}
	dict set result done 1
	dict set result end hello
	dict set result reused [$conn session_reused]
	if {[dict get $options alpn] ne ""} {
	    dict set result alpn [dict get [$conn status] alpn]
	}
	dict set result then [eval [dict get $options then]]
	dict set result session [$conn get_session]
    } trap {PYOSSL EXPECT PROBE} {message info} {
	dict set result end [lindex [dict get $info -errorcode] end]
	dict set result text $message
    } trap PYOSSL {message} {
	dict set result end alert
	dict set result text $message
    } trap POSIX {message} {
	dict set result end reset
	dict set result text $message
    } finally {
	if {$conn ne ""} {
	    foreach key {messages faults needed} {
		dict set result $key [dict get $seen($conn) $key]
	    }
	    unset seen($conn)
	    $conn destroy
	}
	if {$ctx ne ""} {
	    $ctx destroy
	}
	if {$channel ne ""} {
	    catch {close $channel}
	}
	Release $p
    }
    Heard $p [dict get $result end]
    Progress $p
    return $result
}

# The context of an Engine.
proc ::pyossl::expect::probe::EngineContext {p version options} {
    upvar #0 $p P
    set ctx [::pyossl::ctx new TLS_CLIENT_METHOD]
    try {
	$ctx set_options [expr {$::pyossl::OP_LEGACY_SERVER_CONNECT
	    | $::pyossl::OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION
	    | $::pyossl::OP_IGNORE_UNEXPECTED_EOF
	    | ([dict get $options ticket] ? 0 : $::pyossl::OP_NO_TICKET)}]
	$ctx set_security_level 0
	$ctx set_min_proto_version $version
	$ctx set_max_proto_version $version
	if {$version ne "TLSv1.3"} {
	    $ctx set_cipher_list [dict get $options ciphers]
	} else {
	    # Those with CCM are none of OpenSSL's default.
	    $ctx set_ciphersuites [join {TLS_AES_128_GCM_SHA256
		TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256
		TLS_AES_128_CCM_SHA256 TLS_AES_128_CCM_8_SHA256} :]
	}
	if {[dict get $options sigalgs] ne ""} {
	    $ctx set_sigalgs [dict get $options sigalgs]
	}
	if {[dict get $options groups] ne ""} {
	    $ctx set_groups [dict get $options groups]
	}
	if {[dict get $options alpn] ne ""} {
	    $ctx set_alpn [dict get $options alpn]
	}
	if {$P(cafile) ne ""} {
	    $ctx load_verify_locations $P(cafile)
	} else {
	    $ctx set_default_verify_paths
	}
	$ctx set_verify [expr {[dict get $options verify] ? "VERIFY_PEER"
	    : "VERIFY_NONE"}] ::pyossl::expect::probe::EngineVerify
	$ctx set_msg_callback ::pyossl::expect::probe::EngineMessage
    } on error {message info} {
	$ctx destroy
	return -options $info $message
    }
    return $ctx
}

# Every certificate passes; the faults are noted, and what is on the way.
proc ::pyossl::expect::probe::EngineVerify {conn cert number depth ok} {
    variable seen
    if {![info exists seen($conn)]} {
	return 1
    }
    if {$ok} {
	dict lappend seen($conn) needed \
	    [string map {: ""} [$cert digest sha256]]
    } elseif {$number} {
	dict lappend seen($conn) faults [list $number $depth]
    }
    return 1
}

proc ::pyossl::expect::probe::EngineMessage {conn direction version type bytes} {
    variable seen
    if {$direction eq "in" && $type in {21 22} && [info exists seen($conn)]} {
	dict lappend seen($conn) messages [expr {$type == 22 ? $bytes
	    : "alert [::pyossl::expect::names::name alert \
		[scan [string index $bytes 1] %c]]"}]
    }
}

# Drive p conn channel deadline script --
#	Runs a script of a conn as often as it wants more bytes, and carries the
#	bytes.
# Results:
#	The script's.
# Errors:
#	The script's; PYOSSL EXPECT PROBE timeout and closed.
proc ::pyossl::expect::probe::Drive {p conn channel deadline script} {
    while 1 {
	set code [catch {uplevel 1 $script} value info]
	while {![catch {$conn bio_read 65536} bytes] && $bytes ne ""} {
	    chan puts -nonewline $channel $bytes
	}
	if {$code != 1} {
	    return $value
	}
	if {[lrange [dict get $info -errorcode] 0 2]
		ni {{PYOSSL SSL WantReadError} {PYOSSL SSL WantWriteError}}} {
	    return -options $info $value
	}
	set data [Take $channel]
	if {$data eq ""} {
	    if {[eof $channel]} {
		Fail closed "the connection was closed"
	    }
	    if {![Await $p $channel readable $deadline]} {
		Fail timeout "no answer"
	    }
	    continue
	}
	$conn bio_write $data
    }
}

# Drain p conn channel deadline --
#	Says that this side is done, and reads what there is to the end: so the
#	tickets come that a server sends by itself.
# Results:
#	1 if the transport was broken: what the server has said then is lost.
proc ::pyossl::expect::probe::Drain {p conn channel deadline} {
    catch {$conn shutdown}
    # A server that does not close by itself is given a moment.
    set soon [expr {min($deadline, [clock milliseconds] + 1000)}]
    catch {
	Drive $p $conn $channel $soon {
	    while 1 {
		$conn recv 65536
	    }
	}
    } message info
    return [expr {[lindex [dict get $info -errorcode] 0] eq "POSIX"}]
}

# Renegotiate p conn channel deadline -- accepted, refused or "no answer".
proc ::pyossl::expect::probe::Renegotiate {p conn channel deadline} {
    try {
	$conn renegotiate
	Drive $p $conn $channel $deadline {$conn do_handshake}
	return accepted
    } trap {PYOSSL EXPECT PROBE timeout} {} {
	return "no answer"
    } trap PYOSSL {} {
	return refused
    } trap POSIX {} {
	return refused
    }
}
