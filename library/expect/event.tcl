# event.tcl --
#
#	The event log: what happened to each endpoint, in the order in which it
#	happened on the wire.
#
#	An event is a dict. Each has seq (a counter over all endpoints), time
#	(microseconds since the endpoint was spawned; steps in a pair, which has
#	no clock), id and kind:
#
#	    message	from name type version raw	a handshake message
#	    alert	from level description version raw
#	    ccs		from version			a ChangeCipherSpec
#	    record	from type version length fragment number ?inner?
#	    data	from bytes ?wire?		plaintext; wire 1 where it was
#						on the wire as it is
#	    bytes	from bytes			what is no record: given by
#						send -bytes, or not to be framed
#	    established	protocol cipher
#	    accept	accepted peer			of a listening endpoint
#	    closed	from how			clean, truncated or reset
#	    error	code message
#	    secret	line				a line for a key log
#	    filter	direction record		a filter kept a record back
#	    spawn exit
#
#	from is self for what the endpoint sent, peer for what it received.
#
#	The log of an endpoint is kept as long as the endpoint is known. Beside
#	it stand queues, one for each kind that a pattern can match, of the
#	positions of those events that no pattern has consumed yet.
#
#	The commands list and set of this namespace hide Tcl's; hence the two
#	colons below.

namespace eval ::pyossl::expect::event {
    variable seq 0
    variable watchers {}
    # The kinds for which a pattern exists.
    variable consumable {message alert record established accept closed error}
}

# event::add id event --
#	Adds an event to the log of an endpoint, tells those who watch, and
#	wakes the waiting expects.
# Arguments:
#	event	a dict with kind and what goes with it; seq, time and id are
#		filled in here.
# Results:
#	The event.
proc ::pyossl::expect::event::add {id event} {
    variable seq
    variable watchers
    variable consumable
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {![info exists e(kind)]} {
	return
    }
    ::set event [dict merge [dict create seq [incr seq] time [Now $id] id $id] \
	$event]
    ::set kind [dict get $event kind]
    if {$kind in $consumable
	    && !($kind eq "closed" && [dict get $event from] eq "self")} {
	lappend e(queue,$kind) [llength $e(log)]
    }
    lappend e(log) $event
    foreach watcher $watchers {
	if {[catch {uplevel #0 [linsert $watcher end $event]} message info]} {
	    # Whoever looks on must not get in the way.
	    after 0 [::list return -options $info $message]
	}
    }
    ::pyossl::expect::Notify $id
    return $event
}

# The time of an event: the step of a pair, else microseconds.
proc ::pyossl::expect::event::Now {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {[info exists e(steps)]} {
	return [::set $e(steps)]
    }
    return [expr {[clock microseconds] - $e(start)}]
}

# event::list id --
#	All events of an endpoint, the oldest first.
# Errors:
#	PYOSSL EXPECT NOENDPOINT id
proc ::pyossl::expect::event::list {id} {
    return [::pyossl::expect::endpoint::get $id log]
}

# event::all ?ids? --
#	The events of several endpoints, by default of all that are known, in
#	the order in which they happened.
proc ::pyossl::expect::event::all {args} {
    if {[llength $args] == 0} {
	::set ids [::pyossl::expect::endpoint::known]
    } else {
	::set ids [lindex $args 0]
    }
    ::set keyed {}
    foreach id $ids {
	foreach event [list $id] {
	    lappend keyed [::list [dict get $event seq] $event]
	}
    }
    return [lmap pair [lsort -integer -index 0 $keyed] {lindex $pair 1}]
}

# event::watch prefix --
#	From now on the command prefix is called with each new event.
proc ::pyossl::expect::event::watch {prefix} {
    variable watchers
    if {$prefix ni $watchers} {
	lappend watchers $prefix
    }
    return
}

# event::unwatch prefix --
#	Ends that.
proc ::pyossl::expect::event::unwatch {prefix} {
    variable watchers
    ::set watchers [lsearch -all -inline -exact -not $watchers $prefix]
    return
}
