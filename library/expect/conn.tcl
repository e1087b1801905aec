# conn.tcl --
#
#	Connections made by hand as endpoints. Their transport is their own, so
#	that nothing can be put on the wire past the engine, there are no
#	filters, and a record event knows the head of its record alone. Messages
#	and alerts are told by the context's message callback, which spawn takes
#	for itself, as it does the key log callback.

namespace eval ::pyossl::expect::conn {}

# conn::spawn words --
#	spawn conn CONN ?-encoding NAME?
# Errors:
#	PYOSSL EXPECT VALUE if it is no connection, or one of another endpoint.
proc ::pyossl::expect::conn::spawn {words} {
    lassign [::pyossl::expect::SpawnOptions [lrange $words 1 end] -encoding] \
	options rest
    if {[llength $words] == 0 || [llength $rest]} {
	return -code error -level 2 -errorcode {TCL WRONGARGS} \
	    "wrong # args: should be \"spawn conn conn ?-encoding name?\""
    }
    set conn [lindex $words 0]
    if {![::pyossl::conn is $conn]} {
	return -code error -level 2 -errorcode \
	    [list PYOSSL EXPECT VALUE $conn] "\"$conn\" is no connection"
    }
    set conn [namespace which -command $conn]
    if {[info exists ::pyossl::expect::tls::byConn($conn)]} {
	return -code error -level 2 -errorcode \
	    [list PYOSSL EXPECT VALUE $conn] "\"$conn\" belongs to\
	    $::pyossl::expect::tls::byConn($conn) already"
    }
    set before [::pyossl::ctx instances]
    set ctx [$conn get_context]
    ::pyossl::expect::tls::Watch $ctx
    if {$ctx ni $before} {
	$ctx destroy
    }
    set channel [$conn channel]
    chan configure $channel -blocking 0 -translation binary -buffering none
    set id [::pyossl::expect::endpoint::New conn ::pyossl::expect::conn \
	conn $conn channel $channel state handshaking encoding binary \
	events {} driving 0 scheduled 0 facts {} number,in 0 number,out 0]
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {[dict exists $options -encoding]} {
	set e(encoding) [dict get $options -encoding]
    }
    ::pyossl::expect::tls::Own $id $conn
    catch {
	set e(peer) [chan configure $channel -peername]
	set e(local) [chan configure $channel -sockname]
    }
    chan event $channel readable [list ::pyossl::expect::conn::Readable $id]
    chan event $channel writable [list ::pyossl::expect::conn::Writable $id]
    return $id
}

# The handshake is done, or has failed.
proc ::pyossl::expect::conn::Writable {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    try {
	if {![::pyossl::handshake $e(channel)]} {
	    return
	}
	Commit $id
	::pyossl::expect::tls::Established $id
	Commit $id
	chan event $e(channel) writable {}
    } on error {message info} {
	chan event $e(channel) writable {}
	Failed $id $message [dict get $info -errorcode]
    }
}

# Text, or the end.
proc ::pyossl::expect::conn::Readable {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    set failure ""
    if {[catch {read $e(channel)} bytes info]} {
	set failure $bytes
	set bytes ""
    }
    if {$e(state) eq "handshaking" && $failure eq ""
	    && [string length $bytes]} {
	Writable $id
    }
    Commit $id
    if {[string length $bytes]} {
	::pyossl::expect::Received $id $bytes
    }
    if {$failure ne ""} {
	Failed $id $failure [dict get $info -errorcode]
    } elseif {[info exists e(channel)] && [eof $e(channel)]} {
	chan event $e(channel) readable {}
	Ended $id clean
    }
}

# The connection has failed; a transport that only ended was cut off.
proc ::pyossl::expect::conn::Failed {id message code} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {$e(eof)} {
	return
    }
    catch {chan event $e(channel) readable {}}
    Commit $id
    set how truncated
    if {[lrange $code 1 2] eq "SSL SysCallError"
	    && [lindex $code 4] in {ECONNRESET EPIPE}} {
	set how reset
    }
    ::pyossl::expect::event::add $id \
	[dict create kind error code $code message $message]
    set e(state) failed
    set e(failure) [list $message $code]
    Ended $id $how
}

proc ::pyossl::expect::conn::Ended {id how} {
    ::pyossl::expect::tls::Ended $id $how
}

# Enters what the callbacks have told into the log. The name is that of the
# engine's function, which its callbacks call.
proc ::pyossl::expect::conn::Commit {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    set events $e(events)
    set e(events) {}
    foreach event $events {
	::pyossl::expect::event::add $id $event
    }
}

# The head of a record, of which no more is known.
proc ::pyossl::expect::conn::Head {id from bytes} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {[binary scan $bytes cuSuSu type version length] == 3} {
	set direction [expr {$from eq "peer" ? "in" : "out"}]
	lappend e(events) [dict create kind record from $from \
	    type [::pyossl::expect::names::name content_type $type] \
	    version [::pyossl::expect::names::name version $version] \
	    length $length fragment "" number [incr e(number,$direction)]]
    }
}

# An error if the connection has failed.
proc ::pyossl::expect::conn::Usable {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {[info exists e(failure)]} {
	lassign $e(failure) message code
	return -code error -level 2 -errorcode $code $message
    }
}

proc ::pyossl::expect::conn::Data {id bytes} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    Usable $id
    ::pyossl::expect::event::add $id \
	[dict create kind data from self bytes $bytes]
    puts -nonewline $e(channel) $bytes
    Commit $id
}

proc ::pyossl::expect::conn::Shutdown {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    Usable $id
    set e(notified) 1
    $e(conn) shutdown
    Commit $id
}

proc ::pyossl::expect::conn::Close {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    catch {set e(facts) [::pyossl::expect::tls::Status $id]}
    catch {close $e(channel)}
    Commit $id
    ::pyossl::expect::event::add $id \
	[dict create kind closed from self how clean]
    unset e(channel)
    ::pyossl::expect::tls::Release $id
}

proc ::pyossl::expect::conn::Facts {id key} {
    return [::pyossl::expect::tls::Facts $id $key]
}
