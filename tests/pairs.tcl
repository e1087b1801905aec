# pairs.tcl --
#
#	Two ends of a connection in one process, for the tests of connections
#	and channels.  Sourced after common.tcl.
#
#	serverctx ?NAME?	a context for a server, with the certificate NAME
#	clientctx		a context for a client, which trusts the test CA
#	pair KIND ?CLIENTCTX SERVERCTX?
#			{client server}, two conns whose handshake is done.
#			KIND is memory, tcp (our own sockets) or tcl (Tcl's
#			sockets as transports); sockets are left blocking.
#	rawpair		{a b}, two ends of a plain TCP connection of Tcl's
#	sockpair ?CTX CTX?	{client server}, conns on "tcp", no handshake yet
#	handshake CLIENT SERVER	does it, whatever is between the two
#	pump A B	carries bytes between memory connections until both rest
#	with VAR ... SCRIPT	runs the script, and destroys what the variables
#			name: conns, contexts, channels

proc serverctx {{name server-ec}} {
    set ctx [pyossl::ctx new TLS_METHOD]
    set chain [certfile $name-chain.pem]
    if {![file exists $chain]} {
	set chain [certfile $name.pem]
    }
    $ctx use_certificate_chain_file $chain
    $ctx use_privatekey_file [certfile $name.key]
    return $ctx
}

proc clientctx {} {
    set ctx [pyossl::ctx new TLS_METHOD]
    $ctx load_verify_locations [certfile ca.pem]
    $ctx set_verify VERIFY_PEER {}
    return $ctx
}

# One of each for all the tests that do not change them.
proc defaultctx {side} {
    global defaultctx
    if {![info exists defaultctx($side)]} {
	set defaultctx($side) [${side}ctx]
    }
    return $defaultctx($side)
}

# Carries what one memory connection wants to send to the other one.
proc carry {from to} {
    set moved 0
    while {1} {
	try {
	    set bytes [$from bio_read 65536]
	} trap {PYOSSL SSL WantReadError} {} {
	    return $moved
	}
	incr moved [$to bio_write $bytes]
    }
}

proc pump {a b} {
    while {[carry $a $b] + [carry $b $a] > 0} {}
}

proc handshake {client server} {
    set memory [expr {![catch {$client bio_read 0}]}]
    foreach conn [list $client $server] {
	$conn setblocking 0
	dict set waits $conn 1
    }
    set end [expr {[clock milliseconds] + 10000 * $::common::scale}]
    while {1 in [dict values $waits]} {
	foreach conn [list $client $server] {
	    try {
		$conn do_handshake
		dict set waits $conn 0
	    } trap {PYOSSL SSL WantReadError} {} {
	    } trap {PYOSSL SSL WantWriteError} {} {
	    } on error {message options} {
		# The other one may still have to hear of it.
		if {$memory} {
		    carry $client $server
		    carry $server $client
		}
		return -options $options $message
	    }
	    if {$memory} {
		carry $client $server
		carry $server $client
	    }
	}
	if {[clock milliseconds] > $end} {
	    error "the handshake does not come to an end"
	}
    }
    foreach conn [list $client $server] {
	$conn setblocking 1
    }
}

proc rawpair {} {
    set listener [socket -server {apply {{chan host port} {
	set ::rawpair $chan
    }}} -myaddr 127.0.0.1 0]
    set port [lindex [fconfigure $listener -sockname] 2]
    set ::rawpair ""
    set a [socket 127.0.0.1 $port]
    while {$::rawpair eq ""} {
	waitfor rawpair
    }
    close $listener
    foreach chan [list $a $::rawpair] {
	fconfigure $chan -translation binary
    }
    return [list $a $::rawpair]
}

proc sockpair {{clientCtx ""} {serverCtx ""}} {
    if {$clientCtx eq ""} {
	set clientCtx [defaultctx client]
	set serverCtx [defaultctx server]
    }
    set listener [pyossl::conn new $serverCtx tcp]
    $listener bind {127.0.0.1 0}
    $listener listen 3
    set client [pyossl::conn new $clientCtx tcp]
    $client connect [$listener getsockname]
    lassign [$listener accept] server
    $listener destroy
    return [list $client $server]
}

proc pair {kind {clientCtx ""} {serverCtx ""}} {
    if {$clientCtx eq ""} {
	set clientCtx [defaultctx client]
	set serverCtx [defaultctx server]
    }
    switch -- $kind {
	memory {
	    set client [pyossl::conn new $clientCtx]
	    set server [pyossl::conn new $serverCtx]
	}
	tcl {
	    lassign [rawpair] a b
	    set client [pyossl::conn new $clientCtx $a]
	    set server [pyossl::conn new $serverCtx $b]
	}
	tcp {
	    lassign [sockpair $clientCtx $serverCtx] client server
	}
    }
    if {$kind ne "tcp"} {
	$client set_connect_state
	$server set_accept_state
    }
    handshake $client $server
    return [list $client $server]
}

proc with {args} {
    set script [lindex $args end]
    try {
	uplevel 1 $script
    } finally {
	foreach name [lrange $args 0 end-1] {
	    upvar 1 $name var
	    if {[info exists var] && $var ne ""} {
		free $var
		unset var
	    }
	}
    }
}

# Destroys a conn or a context, or closes a channel, if it is there still.
proc free {name} {
    if {[pyossl::conn is $name] || [pyossl::ctx is $name]} {
	$name destroy
    } elseif {$name in [chan names]} {
	catch {close $name}
    }
}

#------------------------------------------------------------------------
# Channels
#------------------------------------------------------------------------

# An in-memory duplex channel written in Tcl: {a b}.  limit bounds the bytes
# under way each way, chunk what one read gives or one write takes.
proc reflpair {{limit 65536} {chunk 65536}} {
    set id [incr ::refl::count]
    foreach side {a b} {
	set end $id$side
	set ::refl::peer($end) $id[expr {$side eq "a" ? "b" : "a"}]
	set ::refl::buf($end) ""
	set ::refl::watch($end) {}
	set ::refl::eof($end) 0
	set ::refl::limit($end) $limit
	set ::refl::chunk($end) $chunk
	set ::refl::gone($end) 0
	lappend result [set ::refl::chan($end) \
		[chan create {read write} [list ::refl::call $end]]]
	fconfigure $::refl::chan($end) -translation binary -buffering none
    }
    return $result
}

namespace eval refl {
    variable count 0
}
proc refl::call {end method chan args} {
    return [$method $end {*}$args]
}
proc refl::initialize {end mode} {
    return {initialize finalize watch read write blocking}
}
proc refl::blocking {end mode} {}
proc refl::finalize {end} {
    variable eof
    variable peer
    variable gone
    set gone($end) 1
    set eof($peer($end)) 1
    soon $peer($end)
}
proc refl::watch {end events} {
    variable watch
    set watch($end) $events
    soon $end
}
proc refl::soon {end} {
    after cancel [list ::refl::post $end]
    after 0 [list ::refl::post $end]
}
proc refl::post {end} {
    variable gone
    variable chan
    if {$gone($end)} {
	return
    }
    variable watch
    variable buf
    variable eof
    variable peer
    variable limit
    set events {}
    if {"read" in $watch($end) && ($buf($end) ne "" || $eof($end))} {
	lappend events read
    }
    if {"write" in $watch($end) && [string length $buf($peer($end))] < $limit($end)} {
	lappend events write
    }
    if {[llength $events]} {
	soon $end
	chan postevent $chan($end) $events
    }
}
proc refl::read {end count} {
    variable buf
    variable eof
    variable chunk
    variable peer
    if {$buf($end) eq ""} {
	if {$eof($end)} {
	    return ""
	}
	return -code error EAGAIN
    }
    set n [expr {min($count, $chunk($end))}]
    set data [string range $buf($end) 0 $n-1]
    set buf($end) [string range $buf($end) $n end]
    soon $peer($end)
    return $data
}
proc refl::write {end data} {
    variable buf
    variable peer
    variable limit
    variable chunk
    variable gone
    set other $peer($end)
    if {$gone($other)} {
	return -code error EPIPE
    }
    set room [expr {min($limit($end) - [string length $buf($other)], $chunk($end))}]
    if {$room <= 0} {
	return -code error EAGAIN
    }
    set data [string range $data 0 $room-1]
    append buf($other) $data
    soon $other
    return [string length $data]
}

# A process that is a pipe to us and connects to a port: what goes in comes
# out there, and back.  Ends when either side does.
proc relayscript {} {
    return [testfile relay.tcl {
	set s [socket 127.0.0.1 [lindex $argv 0]]
	foreach c [list stdin stdout $s] {
	    fconfigure $c -translation binary -blocking 0 -buffering none
	}
	# Whatever goes wrong, and where Windows does not tell of an end.
	proc bgerror {args} {
	    exit
	}
	after [expr {$tcl_platform(platform) eq "windows" ? 60000 : 600000}] exit
	# One piece at a time: nothing is read before the last one has left.
	proc pass {from to} {
	    puts -nonewline $to [read $from 8192]
	    if {[eof $from]} {
		fileevent $from readable {}
		if {$to eq "stdout"} {
		    exit
		}
		fconfigure $to -blocking 1
		close $to write
		fconfigure $to -blocking 0
	    } elseif {[chan pending output $to] > 0} {
		fileevent $from readable {}
		fileevent $to writable [list passed $from $to]
	    }
	}
	proc passed {from to} {
	    flush $to
	    if {[chan pending output $to] == 0} {
		fileevent $to writable {}
		fileevent $from readable [list pass $from $to]
	    }
	}
	passed stdin $s
	passed $s stdout
	vwait forever
    }]
}

# pipepair --
#	{pipe socket}: a two-way pipe, and the plain socket at its far end.
proc pipepair {} {
    set listener [socket -server {apply {{chan host port} {
	set ::pipepair $chan
    }}} -myaddr 127.0.0.1 0]
    set port [lindex [fconfigure $listener -sockname] 2]
    set ::pipepair ""
    set pipe [open |[list [info nameofexecutable] [relayscript] $port] r+]
    fconfigure $pipe -translation binary
    while {$::pipepair eq ""} {
	waitfor pipepair
    }
    close $listener
    fconfigure $::pipepair -translation binary
    return [list $pipe $::pipepair]
}

set chankinds {memory tcp tcl socket import pipe refl fifo2 nested stacked}

# chanpair KIND ?CLIENTCTX SERVERCTX? --
#	{client server}, two plaintext channels, the handshake still to come.
#	memory	is the one kind whose bytes a timer carries
#	nested	a conn over the channel of another one
#	stacked	an import over an import
proc chanpair {kind {clientCtx ""} {serverCtx ""}} {
    if {$clientCtx eq ""} {
	set clientCtx [defaultctx client]
	set serverCtx [defaultctx server]
    }
    switch -- $kind {
	memory {
	    set client [pyossl::conn new $clientCtx]
	    set server [pyossl::conn new $serverCtx]
	    $client set_connect_state
	    $server set_accept_state
	    ferry $client $server
	    return [remember $client $server]
	}
	tcp {
	    return [remember {*}[sockpair $clientCtx $serverCtx]]
	}
	socket {
	    set listener [pyossl::socket -server {apply {{chan host port} {
		set ::chanpair $chan
	    }}} -notify connected -ctx $serverCtx -myaddr 127.0.0.1 0]
	    set ::chanpair ""
	    set client [pyossl::socket -ctx $clientCtx -servername localhost 127.0.0.1 \
		    [lindex [fconfigure $listener -sockname] 2]]
	    while {$::chanpair eq ""} {
		waitfor chanpair
	    }
	    close $listener
	    return [list $client $::chanpair]
	}
	tcl {
	    lassign [rawpair] a b
	}
	pipe {
	    lassign [pipepair] a b
	}
	refl {
	    lassign [reflpair] a b
	}
	fifo2 {
	    package require tcl::chan::fifo2
	    lassign [tcl::chan::fifo2] a b
	    fconfigure $a -translation binary
	    fconfigure $b -translation binary
	}
	nested {
	    lassign [chanpair tcp] a b
	}
	import - stacked {
	    lassign [rawpair] a b
	    if {$kind eq "stacked"} {
		pyossl::import $a -ctx [defaultctx client] -verifyhost ""
		pyossl::import $b -ctx [defaultctx server] -server 1
	    }
	    pyossl::import $a -ctx $clientCtx -verifyhost ""
	    pyossl::import $b -ctx $serverCtx -server 1
	    return [list $a $b]
	}
    }
    set client [pyossl::conn new $clientCtx $a]
    set server [pyossl::conn new $serverCtx $b]
    $client set_connect_state
    $server set_accept_state
    set result [remember $client $server]
    if {$kind eq "nested"} {
	dict set ::chanbelow [lindex $result 0] $a
	dict set ::chanbelow [lindex $result 1] $b
    }
    return $result
}
set chanbelow {}
set chanconn {}

# Carries bytes between two memory connections from the event loop, until one
# of them is destroyed.
proc ferry {a b} {
    if {[pyossl::conn is $a] && [pyossl::conn is $b]} {
	pump $a $b
	after 1 [list ferry $a $b]
    }
}

# chanfree CHAN ... --
#	Closes channels, open or not, with all that chanpair made for them.
proc chanfree {args} {
    foreach chan $args {
	if {$chan in [chan names]} {
	    fconfigure $chan -blocking 0
	    catch {close $chan}
	}
	foreach {dict script} {chanconn {$value destroy} chanbelow {chanfree $value}} {
	    upvar #0 $dict below
	    if {[dict exists $below $chan]} {
		set value [dict get $below $chan]
		dict unset below $chan
		catch $script
	    }
	}
    }
}

# remember CLIENT SERVER -- their channels; chanfree destroys the conns too.
proc remember {client server} {
    foreach conn [list $client $server] {
	set chan [$conn channel]
	dict set ::chanconn $chan $conn
	lappend result $chan
    }
    return $result
}

# chanready CLIENT SERVER --
#	Runs the event loop until both handshakes are done.
proc chanready {client server} {
    foreach chan [list $client $server] {
	fconfigure $chan -blocking 0
    }
    set end [expr {[clock milliseconds] + 10000 * $::common::scale}]
    while {![pyossl::handshake $client] + ![pyossl::handshake $server]} {
	pause 2
	if {[clock milliseconds] > $end} {
	    error "the handshake does not come to an end"
	}
    }
    foreach chan [list $client $server] {
	fconfigure $chan -blocking 1
    }
}
