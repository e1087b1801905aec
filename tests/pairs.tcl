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
