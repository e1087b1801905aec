# target-handshake.tcl --
#
#	A handshake over memory, in which the flights of one side are changed on
#	their way.  The input begins with how both are set up, and is then a list
#	of changes: which flight, what to do, where, with what.
#
#	The key, the certificate and the signatures are the same each time; the
#	randoms and what depends on them are not.  Where things stand does not
#	change, so that a change does the same again.

# server bytes, client bytes -- which of the two has to stand it.
proc fuzz::server {bytes} {
    handshake server
}
proc fuzz::client {bytes} {
    handshake client
}

proc fuzz::handshake {victim} {
    set setup [byte]
    set more [byte]
    set changes [changes]
    set method [expr {($setup & 3) == 3 ? "DTLS_METHOD" : "TLS_METHOD"}]
    foreach side {client server} {
	set ctx($side) [context $method]
	if {($setup & 3) < 2} {
	    $ctx($side) set_max_proto_version [lindex {TLSv1.2 TLSv1.3} [expr {$setup & 1}]]
	}
	if {$setup & 4} {
	    $ctx($side) set_verify {VERIFY_PEER VERIFY_FAIL_IF_NO_PEER_CERT} \
		    [expr {$setup & 8 ? "::fuzz::seen" : ""}]
	}
	if {$setup & 16} {
	    $ctx($side) set_info_callback ::fuzz::seen
	    $ctx($side) set_msg_callback ::fuzz::seen
	    $ctx($side) set_keylog_callback ::fuzz::seen
	}
	if {$setup & 32} {
	    $ctx($side) set_alpn {h2 http/1.1}
	}
	if {$more & 1} {
	    $ctx($side) set_options OP_NO_TICKET
	}
    }
    if {$setup & 64} {
	$ctx(server) set_tlsext_servername_callback ::fuzz::seen
	$ctx(server) set_sni [list localhost $ctx(server) *.example $ctx(client)]
    }
    set client [pyossl::conn new $ctx(client)]
    set server [pyossl::conn new $ctx(server)]
    $client set_connect_state
    $server set_accept_state
    $client set_tlsext_host_name localhost
    if {$more & 2} {
	$client set_verify_host localhost
    }
    if {$setup & 128} {
	# The application is in no hurry: it only reads.
	set work {recv 1000}
    } else {
	set work do_handshake
    }
    exchange $client $server $victim $changes $work
    foreach side [list $client $server] {
	ours "status" {$side status}
	ours "chain" {$side get_peer_cert_chain}
	ours "session" {$side get_session}
	ours "state" {$side state_string}
	ours "keying" {$side export_keying_material x 16}
    }
    if {$more & 4} {
	ours "renegotiate" {$client renegotiate}
    } elseif {$more & 8} {
	ours "key_update" {$server key_update 1}
    }
    ours "send" {$client send hello}
    ours "send" {$server send world}
    exchange $client $server $victim $changes {recv 1000} 10
    ours "shutdown" {$server shutdown}
    exchange $client $server $victim $changes shutdown 14
}

proc fuzz::seen {args} {
    # Whoever looks at the peer while it is not known yet.
    set first [lindex $args 0]
    if {[pyossl::conn is $first]} {
	ours "seen servername" {$first get_servername}
	ours "seen status" {$first status}
	foreach cert [ours "seen certificate" {$first get_peer_certificate}] {
	    $cert destroy
	}
    }
    return 1
}

# The list of changes: a dict of flight -> {operation place argument} ...
proc fuzz::changes {} {
    set result {}
    for {set i 0} {$i < 12 && [more]} {incr i} {
	set flight [expr {[byte] & 15}]
	set operation [byte]
	set place [number 65536]
	switch -- [expr {$operation & 15}] {
	    0 - 1 - 2 {
		set with [byte]
	    }
	    3 - 4 {
		set with [take [number 64]]
	    }
	    5 {
		set with [take [expr {[byte] * 8}]]
	    }
	    default {
		set with [byte]
	    }
	}
	dict lappend result $flight [list [expr {$operation & 15}] $place $with]
    }
    return $result
}

# Does the work on both sides, and carries their flights, until both rest.
proc fuzz::exchange {client server victim changes work {flight 0}} {
    for {set i 0} {$i < 12} {incr i} {
	set moved 0
	foreach {from to side} [list $client $server server $server $client client] {
	    ours "$side peer $work" [list $from {*}$work]
	    set bytes [ours "flight" {$from bio_read 65536}]
	    if {$side eq $victim} {
		if {[dict exists $changes $flight]} {
		    foreach change [dict get $changes $flight] {
			set bytes [changed $bytes $to {*}$change]
		    }
		}
		incr flight
	    }
	    if {$bytes ne ""} {
		incr moved
		ours "$side write" {$to bio_write $bytes}
		ours "$side $work" [list $to {*}$work]
	    }
	}
	if {!$moved} {
	    break
	}
    }
    mark "$victim state [catch {$client state_string} state] $state"
}

# A flight after a change; some of them go to the victim by themselves.
proc fuzz::changed {bytes to operation place with} {
    variable last
    set length [string length $bytes]
    set at [expr {$length > 0 ? $place % $length : 0}]
    switch -- $operation {
	0 - 1 {
	    if {$length > 0} {
		binary scan $bytes @${at}cu value
		set bytes [string replace $bytes $at $at [binary format c \
			[expr {$value ^ $with}]]]
	    }
	}
	2 {
	    # Cut out.
	    set bytes [string replace $bytes $at $at+$with]
	}
	3 {
	    # Put in.
	    set bytes [string range $bytes 0 $at-1]$with[string range $bytes $at end]
	}
	4 {
	    # Put over it.
	    set bytes [string range $bytes 0 $at-1]$with[string range $bytes \
		    $at+[string length $with] end]
	}
	5 {
	    # Something else in its place.
	    set bytes $with
	}
	6 {
	    # Twice.
	    append bytes $bytes
	}
	7 {
	    # Only the beginning.
	    set bytes [string range $bytes 0 $at]
	}
	8 {
	    # In two pieces.
	    ours "a piece" {$to bio_write [string range $bytes 0 $at]}
	    ours "with a piece" {$to do_handshake}
	    set bytes [string range $bytes $at+1 end]
	}
	9 {
	    # Its end.
	    ours "shutdown of input" {$to bio_shutdown}
	}
	10 {
	    # The flight before this one, again.
	    if {[info exists last($to)]} {
		set bytes $last($to)$bytes
	    }
	}
	11 {
	    # In records of one byte, those of the first one.
	    if {$length > 10 && $length < 2000} {
		set type [string range $bytes 0 2]
		binary scan $bytes @3Su size
		set pieces ""
		foreach byte [split [string range $bytes 5 [expr {4 + min($size, 200)}]] ""] {
		    append pieces $type [binary format Sa 1 $byte]
		}
		set bytes $pieces[string range $bytes [expr {5 + min($size, 200)}] end]
	    }
	}
	12 {
	    # An alert, in between.
	    set bytes [binary format cSSca 0x15 0x0303 2 [expr {1 + ($with & 1)}] \
		    [format %c [expr {$place & 255}]]]$bytes
	}
	13 {
	    # The records in another order.
	    set bytes [string range $bytes $at end][string range $bytes 0 $at-1]
	}
	14 {
	    # The other context, in the middle of it.
	    ours "set_context" {$to set_context [lindex [pyossl::ctx instances] $with&1]}
	}
	15 {
	    # The victim's end.
	    if {$with > 128} {
		ours "destroy" {$to shutdown}
	    }
	}
    }
    array unset last
    set last($to) $bytes
    return $bytes
}
