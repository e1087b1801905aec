# endpoint.tcl --
#
#	The table of endpoints, and the commands that ask about them and end
#	them: endpoint, spawned, exp_close, wait.
#
#	An endpoint is an array in ::pyossl::expect::endpoint::data, named for
#	its id. Every one has
#	    kind	client server program raw conn
#	    type	the namespace with its functions: tls listener raw program
#			conn (see spawn.tcl for what they are)
#	    state	connecting connected handshaking established plain
#			listening running failed ended closed; see State
#	    open	0 after exp_close
#	    start steps	where its clock began; see event.tcl
#	    log queue,KIND	its events
#	    buffer	the text that patterns have been tried on
#	    unread taken	the text that came after that, and how much of its
#			beginning is in the buffer already (see match::Refill)
#	    eof eofseen	nothing more will come; a script has seen that
#	    max		its match_max
#	What else is in it belongs to its type.
#
#	What is closed is remembered, so that its transcript can still be had,
#	until wait has been asked about it or many others have been closed since.

namespace eval ::pyossl::expect::endpoint {
    variable serial 0
    variable table {}		;# dict: id -> 1, those known, the oldest first
    variable remembered {}	;# those closed, the oldest first
    variable remember 500	;# how many of these are kept
    namespace eval data {}
}

#------------------------------------------------------------------------
# The table
#------------------------------------------------------------------------

# endpoint::New kind type ?key value ...? --
#	Enters a new endpoint.
# Results:
#	Its id: the kind and a number, or what -id says.
proc ::pyossl::expect::endpoint::New {kind type args} {
    variable serial
    variable table
    if {[dict exists $args id]} {
	::set id [dict get $args id]
	dict unset args id
    } else {
	::set id $kind[incr serial]
    }
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    array unset e
    array set e [::list kind $kind type $type state connecting open 1 \
	start [clock microseconds] log {} buffer "" unread "" taken 0 eof 0 eofseen 0 \
	max $::pyossl::expect::matchMax waiters {}]
    array set e $args
    foreach event $::pyossl::expect::event::consumable {
	::set e(queue,$event) {}
    }
    dict set table $id 1
    ::pyossl::expect::event::add $id [dict create kind spawn time 0 \
	command $::pyossl::expect::spawnWords]
    return $id
}

# endpoint::ids -- the open endpoints, the oldest first.
proc ::pyossl::expect::endpoint::ids {} {
    variable table
    return [lmap id [dict keys $table] {
	if {![::set data::${id}(open)]} continue
	::set id
    }]
}

# endpoint::known -- the same with those that are closed and remembered.
proc ::pyossl::expect::endpoint::known {} {
    variable table
    return [dict keys $table]
}

# endpoint::exists id -- 1 for one that is known.
proc ::pyossl::expect::endpoint::exists {id} {
    variable table
    return [dict exists $table $id]
}

# endpoint::get id key ?default? --
#	A value of an endpoint as it is in the table.
# Errors:
#	PYOSSL EXPECT NOENDPOINT id; PYOSSL EXPECT NOKEY key without a default.
proc ::pyossl::expect::endpoint::get {id key args} {
    Check $id
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {[info exists e($key)]} {
	return $e($key)
    }
    if {[llength $args]} {
	return [lindex $args 0]
    }
    return -code error -errorcode [::list PYOSSL EXPECT NOKEY $key] \
	"the endpoint \"$id\" has no \"$key\""
}

# endpoint::State id --
#	The state as a script is told it: a connection from which nothing can come
#	any more has ended, even where something can still be sent.
proc ::pyossl::expect::endpoint::State {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    return [expr {$e(eof) && $e(state) in {
	connecting connected handshaking plain established
    } ? "ended" : $e(state)}]
}

# endpoint::unread id --
#	The text that no pattern was tried on yet.
proc ::pyossl::expect::endpoint::unread {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    return [string range $e(unread) $e(taken) end]
}

# endpoint::set id key value --
#	Sets a value in the table.
proc ::pyossl::expect::endpoint::set {id key value} {
    Check $id
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    ::set e($key) $value
}

# An id must be one that is known, and where open is 1, one that is open.
proc ::pyossl::expect::endpoint::Check {id {open 0}} {
    variable table
    if {![dict exists $table $id]} {
	return -code error -level 2 -errorcode \
	    [::list PYOSSL EXPECT NOENDPOINT $id] \
	    "there is no endpoint \"$id\""
    }
    if {$open && ![::set data::${id}(open)]} {
	return -code error -level 2 -errorcode \
	    [::list PYOSSL EXPECT NOTOPEN $id] "spawn id $id not open"
    }
}

# endpoint::forget id --
#	Takes a closed endpoint out of the table, its log too.
proc ::pyossl::expect::endpoint::forget {id} {
    variable table
    variable remembered
    if {[dict exists $table $id] && ![::set data::${id}(open)]} {
	dict unset table $id
	unset data::$id
	::set remembered [lsearch -all -inline -exact -not $remembered $id]
    }
    return
}

# Notes that an endpoint is closed, and forgets the oldest ones.
proc ::pyossl::expect::endpoint::Closed {id} {
    variable remembered
    variable remember
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    ::pyossl::expect::ReceivedAll $id
    ::set e(open) 0
    ::set e(state) closed
    ::set e(eof) 1
    ::set e(eofseen) 1
    if {[info exists e(listener)]} {
	Unaccepted $e(listener) $id
    }
    lappend remembered $id
    while {[llength $remembered] > $remember} {
	forget [lindex $remembered 0]
    }
    ::pyossl::expect::ForgetStanding $id
    ::pyossl::expect::Notify $id
}

# A connection that no script has heard of is closed: its listener has not
# accepted it for anybody then, an expect could only get what is over.
proc ::pyossl::expect::endpoint::Unaccepted {listener id} {
    upvar #0 ::pyossl::expect::endpoint::data::$listener e
    if {![info exists e(queue,accept)]} {
	return
    }
    ::set e(queue,accept) [lmap position $e(queue,accept) {
	if {[dict get [lindex $e(log) $position] accepted] eq $id} continue
	::set position
    }]
}

#------------------------------------------------------------------------
# Whose turn it is: the id that a command means
#------------------------------------------------------------------------

# ReadVariable name default --
#	A variable as Expect reads it: that of the calling script, else the
#	global one.
# Arguments:
#	level	how far up the script is, as uplevel has it, from the caller.
proc ::pyossl::expect::ReadVariable {name default {level 2}} {
    incr level
    upvar $level $name here
    if {[info exists here]} {
	return $here
    }
    if {[info exists ::$name]} {
	return [::set ::$name]
    }
    return $default
}

# TakeId argsVar usage level --
#	Takes "-i id" off the front of the arguments, or finds spawn_id.
# Errors:
#	PYOSSL EXPECT NOENDPOINT
proc ::pyossl::expect::TakeId {argsVar usage {level 1}} {
    upvar 1 $argsVar words
    if {[lindex $words 0] eq "-i"} {
	if {[llength $words] < 2} {
	    return -code error -level 2 -errorcode {TCL WRONGARGS} \
		"wrong # args: should be \"$usage\""
	}
	set id [lindex $words 1]
	set words [lrange $words 2 end]
	return $id
    }
    incr level
    set id [ReadVariable spawn_id "" $level]
    if {$id eq ""} {
	return -code error -level 2 -errorcode \
	    {PYOSSL EXPECT NOENDPOINT {}} \
	    "no endpoint: nothing was spawned, and there is no -i"
    }
    return $id
}

#------------------------------------------------------------------------
# The commands
#------------------------------------------------------------------------

# endpoint id ?key? --
#	What is known of an endpoint.
# Arguments:
#	key	one thing only.
# Results:
#	A dict, or the value of the key. Every endpoint has kind, state and id;
#	what else there is depends on its kind: host and port, peer and local
#	({host port}), encoding, conn, channel (that of the transport), listener;
#	of a listener connections (how many there were) and ctx; of a program
#	command, pid, pids and, once it has ended, status; of a TLS connection
#	handshake (auto or manual), protocol, cipher, sbits, group, servername,
#	alpn, resumed, verification and verifycode (empty where there is no
#	certificate), subject, issuer, serial, notBefore, notAfter,
#	certificates, ktls, client_random, server_random, error, and, only where it is
#	asked for by name, the secret session; of a server also ca and
#	certificate (PEM), cafile.
# Errors:
#	PYOSSL EXPECT NOENDPOINT id; PYOSSL EXPECT NOKEY key
proc ::pyossl::expect::endpoint {args} {
    if {[llength $args] ni {1 2}} {
	return -code error -errorcode {TCL WRONGARGS} \
	    "wrong # args: should be \"endpoint id ?key?\""
    }
    set args [lassign $args id]
    endpoint::Check $id
    set facts [Facts $id [lindex $args 0]]
    if {[llength $args] == 0} {
	return $facts
    }
    set key [lindex $args 0]
    if {![dict exists $facts $key]} {
	return -code error -errorcode [list PYOSSL EXPECT NOKEY $key] \
	    "the endpoint \"$id\" has no \"$key\": it has\
	    [join [lsort [dict keys $facts]] {, }]"
    }
    return [dict get $facts $key]
}

# All that is known; what takes time only where it is the key asked for.
proc ::pyossl::expect::Facts {id key} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    set facts [dict create id $id kind $e(kind) state [endpoint::State $id]]
    foreach name {host port local peer listener handshake command pid status
	    servername encoding} {
	if {[info exists e($name)]} {
	    dict set facts $name $e($name)
	}
    }
    if {[info commands $e(type)::Facts] ne ""} {
	set facts [dict merge $facts [$e(type)::Facts $id $key]]
    }
    return $facts
}

# spawned --
#	The ids of the open endpoints, the oldest first.
proc ::pyossl::expect::spawned {} {
    return [endpoint::ids]
}

# exp_close ?-i id? --
#	Closes an endpoint: a TLS connection says close_notify, the transport
#	ends, a program is hung up on. What it has sent before still goes out:
#	text that waits for the end of the handshake is waited for, as long as
#	the variable timeout says, at most 10 seconds. A server's connections
#	stay, but for those that no script has heard of.
# Errors:
#	PYOSSL EXPECT NOENDPOINT id, PYOSSL EXPECT NOTOPEN id
# Source:
#	close of expect(1)
proc ::pyossl::expect::exp_close {args} {
    set id [TakeId args "exp_close ?-i id?"]
    if {[llength $args]} {
	return -code error -errorcode {TCL WRONGARGS} \
	    "wrong # args: should be \"exp_close ?-i id?\""
    }
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {[info exists e(waited)]} {
	# A wait has closed it, which Expect leaves to the script.
	unset e(waited)
	set e(closing) 1
	return
    }
    endpoint::Check $id 1
    if {[info commands [endpoint::get $id type]::Settle] ne ""} {
	[endpoint::get $id type]::Settle $id [ReadVariable timeout 10 1]
    }
    Close $id
    return
}

proc ::pyossl::expect::Close {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {[info exists e(closing)]} {
	return
    }
    set e(closing) 1
    try {
	$e(type)::Close $id
    } finally {
	if {[info exists e(kind)]} {
	    endpoint::Closed $id
	}
    }
}

# wait ?-i id? ?-nowait? --
#	Waits until a program has ended, and closes its endpoint. One that
#	exp_close has closed is forgotten then; an endpoint that is no program
#	has nothing to wait for, so that the command returns at once, with 0
#	for the pid and the status.
# Results:
#	As in Expect {pid id 0 status}, for a program that a signal has ended
#	{pid id 0 0 CHILDKILLED SIGNAME text}.
# Errors:
#	PYOSSL EXPECT NOENDPOINT id
# Source:
#	wait of expect(1)
proc ::pyossl::expect::wait {args} {
    set usage "wait ?-i id? ?-nowait?"
    set nowait 0
    if {[lindex $args 0] eq "-nowait"} {
	set nowait 1
	set args [lrange $args 1 end]
    }
    set id [TakeId args $usage]
    if {$args eq "-nowait"} {
	set nowait 1
	set args {}
    }
    if {[llength $args]} {
	return -code error -errorcode {TCL WRONGARGS} \
	    "wrong # args: should be \"$usage\""
    }
    endpoint::Check $id
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    set result [list 0 $id 0 0]
    if {[info commands $e(type)::Wait] ne ""} {
	set result [$e(type)::Wait $id $nowait]
    }
    if {[info exists e(closing)]} {
	endpoint::forget $id
    }
    return $result
}
