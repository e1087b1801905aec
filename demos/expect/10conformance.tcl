# 10conformance.tcl -- a conformance suite of one's own
#
#	pyosslsh -format junit -output report.xml 10conformance.tcl
#	pyosslsh -format tap 10conformance.tcl
#
#	Each check is one rule.  What is tested is the server of the environment
#	variables TLS_HOST and TLS_PORT (443), else one that is made on the spot.

log_user 0
set timeout 5
constraint outside [info exists env(TLS_HOST)]
if {[info exists env(TLS_HOST)]} {
    set host $env(TLS_HOST)
    set port [expr {[info exists env(TLS_PORT)] ? $env(TLS_PORT) : 443}]
} else {
    set host 127.0.0.1
    set port [endpoint [spawn server] port]
}

# A connection without an engine on which a ClientHello has been said.
proc greet {{hello {}}} {
    global host port
    upvar 1 spawn_id spawn_id
    spawn raw $host $port
    send -handshake ClientHello $hello
}

check "it shakes hands" {
    spawn client $host $port
    expect -established {}
}

check "it resumes" {
    spawn client $host $port
    expect -established {}
    # The ticket of TLS 1.3 comes after the handshake.
    expect -message NewSessionTicket {}
    set session [endpoint $spawn_id session]
    exp_close
    spawn client $host $port -session $session
    expect -established {}
    if {![endpoint $spawn_id resumed]} {
	fail "the session was not taken"
    }
}

check "it does not mind what it does not know (RFC 8701)" {
    greet {cipher_suites {0x1a1a TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384}}
    expect -message ServerHello {}
}

check "no suite in common is handshake_failure (RFC 8446, 4.1.1)" {
    greet {cipher_suites 0x1a1a}
    expect -alert fatal handshake_failure {} -alert fatal insufficient_security {}
}

check "a Finished before its time is unexpected_message (RFC 8446, 4)" {
    greet
    expect -message ServerHello {}
    send -handshake Finished [dict create verify_data [string repeat \0 32]]
    expect -alert fatal * {
	set description [lindex $expect_out(alert) 1]
	# A server that wants the message encrypted may also fail to decrypt it.
	if {$description ni {unexpected_message bad_record_mac}} {
	    fail "it says $description"
	}
    } eof {}
}

check "a record that is too long is record_overflow (RFC 8446, 5.1)" {
    spawn raw $host $port
    send -record handshake TLSv1.2 [string repeat x 18000]
    expect -alert fatal record_overflow {} eof {}
}

# The server made on the spot closes when its script does.
check "it answers close_notify with its own" -constraints outside {
    spawn client $host $port
    expect -established {}
    send -shutdown
    expect -closed clean {} -closed * {
	fail "the end is $expect_out(closed)"
    }
}
