# transport.tcl --
#
#	What carries the bytes of an endpoint: a TCP socket, or in a pair the
#	other endpoint. Whatever is on top gives bytes to Write and gets them by
#	the functions Input and End of its type; neither ever waits.
#
#	    endpoint     e(link)	socket, pair, pipe (a program's) or none
#	    socket	 e(channel)	the Tcl channel
#	    pair	 e(other)	the other endpoint
#			 e(steps)	the variable with the step of the pair
#
#	What goes through a pair stands in one queue, in the order in which it
#	was sent; each turn of the event loop delivers one piece. No clock is
#	asked, so that two runs are the same.

namespace eval ::pyossl::expect::transport {
    variable queue {}		;# {id what bytes} under way in pairs
    variable scheduled 0
    variable pairs 0
    # The system's texts with the name of each, and its number on Linux, on
    # Windows, and on macOS and the BSDs; Tcl tells only the text of a
    # connection that failed in the background.
    variable errors {}
    apply {{column} {
	variable errors
	foreach {text name numbers} {
	    {connection refused} ECONNREFUSED {111 107 61}
	    {connection timed out} ETIMEDOUT {110 138 60}
	    {connection reset by peer} ECONNRESET {104 108 54}
	    {no route to host} EHOSTUNREACH {113 110 65}
	    {host is unreachable} EHOSTUNREACH {113 110 65}
	    {network is unreachable} ENETUNREACH {101 118 51}
	    {broken pipe} EPIPE {32 32 32}
	    {address already in use} EADDRINUSE {98 100 48}
	    {cannot assign requested address} EADDRNOTAVAIL {99 101 49}
	    {can't assign requested address} EADDRNOTAVAIL {99 101 49}
	} {
	    lappend errors $text [list [lindex $numbers $column] $name]
	}
    } ::pyossl::expect::transport} [switch -glob -- $::tcl_platform(os) {
	Windows* {expr 1}
	Darwin - *BSD {expr 2}
	default {expr 0}
    }]
    namespace eval step {}
}

# transport::Socket id channel --
#	Takes a connected socket for an endpoint.
proc ::pyossl::expect::transport::Socket {id channel} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    set e(link) socket
    set e(channel) $channel
    chan configure $channel -blocking 0 -translation binary -buffering full \
	-buffersize 65536
    catch {
	lassign [chan configure $channel -peername] address - port
	set e(peer) [list $address $port]
	lassign [chan configure $channel -sockname] address - port
	set e(local) [list $address $port]
    }
    chan event $channel readable \
	[list ::pyossl::expect::transport::Readable $id]
}

# transport::Connect id host port myaddr myport --
#	Begins to connect. The endpoint's type is told by its function
#	Connected, or by Unconnected with message and errorCode.
# Errors:
#	PYOSSL SSL SysCallError, for a name that cannot be resolved for example;
#	PYOSSL EXPECT VALUE for a port that is none
proc ::pyossl::expect::transport::Connect {id host port options} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    set words {}
    foreach name {-myaddr -myport} {
	if {[dict exists $options $name]} {
	    lappend words $name [dict get $options $name]
	}
    }
    if {[catch {::socket {*}$words -async $host $port} channel info]} {
	NoPort $port $info
	set text [regsub {^couldn't open socket: } $channel {}]
	return -code error -errorcode [Code $text] \
	    "cannot connect to $host port $port: $text"
    }
    set e(link) none
    set e(channel) $channel
    chan event $channel writable \
	[list ::pyossl::expect::transport::Writable $id]
}

# NoPort port info --
#	For the caller of its caller: if a socket could not be made because of a
#	port that is neither a number in range nor the name of a service, that is
#	an error of the argument and none of the system's.
proc ::pyossl::expect::transport::NoPort {port info} {
    if {[string is entier -strict $port] ? $port < 0 || $port > 65535
	    : [lindex [dict get $info -errorcode] 0] eq "TCL"} {
	return -code error -level 2 -errorcode [list PYOSSL EXPECT VALUE $port] \
	    "a port is a number from 0 to 65535 or the name of a service,\
	    not \"$port\""
    }
}

# The connection is there, or has failed.
proc ::pyossl::expect::transport::Writable {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    set channel $e(channel)
    if {[chan configure $channel -connecting]} {
	return
    }
    set text [chan configure $channel -error]
    chan event $channel writable {}
    if {$text ne ""} {
	close $channel
	unset e(channel)
	$e(type)::Unconnected $id \
	    "cannot connect to $e(host) port $e(port): $text" [Code $text]
	return
    }
    Socket $id $channel
    $e(type)::Connected $id
}

# The errorCode for a text of the system's.
proc ::pyossl::expect::transport::Code {text} {
    variable errors
    if {[dict exists $errors $text]} {
	return [list PYOSSL SSL SysCallError {*}[dict get $errors $text]]
    }
    return [list PYOSSL SSL SysCallError -1 $text]
}

# transport::Join a b --
#	Makes a pair of two endpoints.
proc ::pyossl::expect::transport::Join {a b} {
    variable pairs
    set steps ::pyossl::expect::transport::step::[incr pairs]
    set $steps 0
    foreach {id other} [list $a $b $b $a] {
	upvar #0 ::pyossl::expect::endpoint::data::$id e
	set e(link) pair
	set e(other) $other
	set e(steps) $steps
    }
}

# Bytes have come from a socket, or its end.
proc ::pyossl::expect::transport::Readable {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    set channel $e(channel)
    set bytes ""
    # Tcl reads a reset as an end of file; only the socket's error, which is
    # told once, says that it is none.
    if {[chan configure $channel -error] ne ""} {
	set e(wasreset) 1
    }
    # One read of the system's for each event: an error behind the bytes must
    # not take them along.
    if {[catch {
	set bytes [read $channel 1]
	if {[string length $bytes]} {
	    append bytes [read $channel [chan pending input $channel]]
	}
    } message info]} {
	chan event $channel readable {}
	set how [expr {[lindex [dict get $info -errorcode] 1]
	    in {ECONNRESET EPIPE} ? "reset" : "fin"}]
	$e(type)::End $id $how
	return
    }
    if {[string length $bytes]} {
	$e(type)::Input $id $bytes
    } elseif {[eof $channel]} {
	chan event $channel readable {}
	$e(type)::End $id [expr {[info exists e(wasreset)] ? "reset" : "fin"}]
    }
}

# transport::Write id bytes --
#	Sends bytes; what cannot go now goes when it can. A transport that has
#	ended takes them too, and drops them.
proc ::pyossl::expect::transport::Write {id bytes} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {[info exists e(finished)]} {
	return
    }
    switch -- $e(link) {
	socket {
	    catch {
		puts -nonewline $e(channel) $bytes
		flush $e(channel)
	    }
	}
	pair {
	    Send $e(other) Input $bytes
	}
    }
}

# transport::Finish id --
#	Ends the output, after what was sent before; input goes on.
proc ::pyossl::expect::transport::Finish {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {[info exists e(finished)]} {
	return
    }
    set e(finished) fin
    switch -- $e(link) {
	socket - pipe {
	    catch {close $e(channel) write}
	}
	pair {
	    Send $e(other) End fin
	}
    }
}

# transport::Reset id --
#	Ends both directions at once; what was not sent yet is lost.
proc ::pyossl::expect::transport::Reset {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {$e(link) eq "pair" && ![info exists e(finished)]} {
	Send $e(other) End reset
    } elseif {$e(link) eq "socket"} {
	chan event $e(channel) readable {}
	# A socket that does not linger resets the connection; Tcl has no
	# command for that, a conn has.
	set ctx [::pyossl::ctx new TLS_METHOD]
	set conn [::pyossl::conn new $ctx $e(channel)]
	$conn setsockopt SOL_SOCKET SO_LINGER [binary format ii 1 0]
	$conn close
	$conn destroy
	$ctx destroy
	catch {close $e(channel)}
	unset e(channel)
    }
    set e(finished) reset
    set e(link) none
}

# transport::Close id --
#	Lets go of the transport. What was sent still goes out.
proc ::pyossl::expect::transport::Close {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {[info exists e(channel)]} {
	catch {chan event $e(channel) readable {}}
	catch {chan event $e(channel) writable {}}
	if {$e(link) eq "socket"} {
	    # A socket that is closed with input unread resets the connection.
	    catch {read $e(channel)}
	}
	catch {close $e(channel)}
	unset e(channel)
    } elseif {[info exists e(link)] && $e(link) eq "pair"} {
	Finish $id
    }
    set e(link) none
}

# Puts something into the queue of the pairs.
proc ::pyossl::expect::transport::Send {id function argument} {
    variable queue
    variable scheduled
    lappend queue $id $function $argument
    if {!$scheduled} {
	set scheduled 1
	after 0 ::pyossl::expect::transport::Deliver
    }
}

# Delivers the first thing in it.
proc ::pyossl::expect::transport::Deliver {} {
    variable queue
    variable scheduled
    set scheduled 0
    set queue [lassign $queue id function argument]
    if {[llength $queue]} {
	set scheduled 1
	after 0 ::pyossl::expect::transport::Deliver
    }
    if {![::pyossl::expect::endpoint::exists $id]} {
	return
    }
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {$e(open) && $e(link) eq "pair"} {
	incr $e(steps)
	$e(type)::$function $id $argument
    }
}
