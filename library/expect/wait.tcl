# wait.tcl --
#
#	How commands wait: each waiting one has a record of its own with a
#	variable that is waited for as vwait does (generic/pyosslLoop.c), so
#	that an expect in an event handler of another one ends by itself.
#	Nothing polls.
#
#	    event, text, eof of an endpoint --Notify--> the records of those who
#	    wait for it: the id is noted as dirty, and the variable written
#
#	In a coroutine a command waits by yield instead. So several
#	conversations can go on side by side, each in a coroutine of its own,
#	where an expect within an event handler would have to end first.
#
#	A record is an array in ::pyossl_expect_waiting, a namespace of its own:
#	the time limit of a wait holds even when a script deletes ::pyossl.
#	    dirty	dict of the ids that have news
#	    wake	written when there is something to look at
#	    traced	the variables whose writing wakes it
#	    coroutine	the one that is to be resumed
#	    expired	1 when the time is up
#	    forgotten	for expect_out: text that a full buffer has lost

namespace eval ::pyossl::expect {
    variable waitSerial 0
    namespace eval ::pyossl_expect_waiting {}
}

# WaitBegin ids --
#	A new record, for news of those endpoints.
proc ::pyossl::expect::WaitBegin {ids} {
    variable waitSerial
    set token [incr waitSerial]
    upvar #0 ::pyossl_expect_waiting::$token w
    array set w {dirty {} wake 0 expired 0 timer {} ids {}
	forgotten {} coroutine {} traced {}}
    WaitFor $token $ids
    return $token
}

# WaitFor token ids --
#	Takes more endpoints into a record; all of them count as news first.
proc ::pyossl::expect::WaitFor {token ids} {
    upvar #0 ::pyossl_expect_waiting::$token w
    foreach id $ids {
	if {[dict exists $w(ids) $id] || ![endpoint::exists $id]} {
	    continue
	}
	upvar #0 ::pyossl::expect::endpoint::data::$id e
	dict set w(ids) $id 1
	dict set w(dirty) $id 1
	lappend e(waiters) $token
    }
}

# WaitTrace token name --
#	A record is woken too when a variable is written.
proc ::pyossl::expect::WaitTrace {token name} {
    upvar #0 ::pyossl_expect_waiting::$token w
    if {$name ni $w(traced)} {
	lappend w(traced) $name
	trace add variable $name write \
	    [list ::pyossl::expect::WaitWritten $token]
    }
}

proc ::pyossl::expect::WaitWritten {token args} {
    Wake $token
}

# WaitTimer token seconds --
#	(Re)starts the clock of a record; -1 is none.
proc ::pyossl::expect::WaitTimer {token seconds} {
    upvar #0 ::pyossl_expect_waiting::$token w
    after cancel $w(timer)
    set w(timer) {}
    set w(expired) 0
    if {$seconds >= 0} {
	set w(timer) [after [expr {int(ceil($seconds * 1000))}] \
	    "if {\[namespace which ::pyossl::expect::WaitExpired\] ne {}} {
		::pyossl::expect::WaitExpired $token
	    } else {
		set ::pyossl_expect_waiting::${token}(wake) 1
	    }"]
    }
}

# Finite value -- is it a number that a clock can be set to?
proc ::pyossl::expect::Finite {value} {
    return [expr {[string is double -strict $value]
	&& ![regexp -nocase {inf|nan} $value] && abs($value) < 1e12}]
}

proc ::pyossl::expect::WaitExpired {token} {
    upvar #0 ::pyossl_expect_waiting::$token w
    set w(expired) 1
    Wake $token
}

# Wake token -- whoever waits with this record is to look again.
proc ::pyossl::expect::Wake {token} {
    upvar #0 ::pyossl_expect_waiting::$token w
    set w(wake) 1
    if {$w(coroutine) ne ""} {
	after 0 [list ::pyossl::expect::Resume $w(coroutine)]
	set w(coroutine) ""
    }
}

# Goes on with a coroutine, if it is still there.
proc ::pyossl::expect::Resume {coroutine} {
    if {[info commands $coroutine] ne ""} {
	$coroutine
    }
}

# Sleep token -- waits until there is something to look at.
proc ::pyossl::expect::Sleep {token} {
    upvar #0 ::pyossl_expect_waiting::$token w
    if {[info coroutine] ne ""} {
	set w(coroutine) [info coroutine]
	if {![catch {yield}]} {
	    return
	}
	# There is C code between, which cannot be left that way.
	set w(coroutine) ""
    }
    ::pyossl::Vwait ::pyossl_expect_waiting::${token}(wake)
}

# WaitEnd token -- the record is not needed any more.
proc ::pyossl::expect::WaitEnd {token} {
    upvar #0 ::pyossl_expect_waiting::$token w
    after cancel $w(timer)
    foreach name $w(traced) {
	trace remove variable $name write \
	    [list ::pyossl::expect::WaitWritten $token]
    }
    foreach id [dict keys $w(ids)] {
	upvar #0 ::pyossl::expect::endpoint::data::$id e
	if {[info exists e(waiters)]} {
	    set e(waiters) [lsearch -all -inline -exact -not $e(waiters) $token]
	}
    }
    unset w
}

# Notify id -- there is news of an endpoint.
proc ::pyossl::expect::Notify {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {![info exists e(waiters)]} {
	return
    }
    foreach token $e(waiters) {
	upvar #0 ::pyossl_expect_waiting::$token w
	dict set w(dirty) $id 1
	Wake $token
    }
}

# Until condition seconds --
#	Runs the event loop until an expression is true for the caller, which
#	is looked at whenever one of the endpoints has news.
# Results:
#	1, or 0 if the time was up first.
proc ::pyossl::expect::Until {ids condition seconds} {
    set token [WaitBegin $ids]
    upvar #0 ::pyossl_expect_waiting::$token w
    try {
	WaitTimer $token $seconds
	while {1} {
	    if {[uplevel 1 [list expr $condition]]} {
		return 1
	    }
	    if {$w(expired)} {
		return 0
	    }
	    Sleep $token
	}
    } finally {
	WaitEnd $token
    }
}
