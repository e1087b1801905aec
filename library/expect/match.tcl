# match.tcl --
#
#	The command expect, and exp_continue.
#
#	A turn of it:
#
#	    endpoints with news -> new text into their buffers
#	        -> patterns in their order, on text and on events
#	        -> full_buffer, where a buffer is full
#	        -> eof, default and -closed, where nothing more will come
#	    nothing matches: wait for news, or until the time is up
#
#	The patterns of expect_before come first, those of expect_after last.
#	Of several patterns that match the first one counts, wherever what it
#	matches is; only the end comes after all that came before the end.
#
#	Text is read as Expect does: first the patterns are tried on what an
#	earlier expect has left, then on what has come since.

namespace eval ::pyossl::expect::match {
    # The codes by which exp_continue tells expect, the same as Expect's.
    variable continue -101
    variable continueTimer -102
}

# expect ?-i id? ?-timeout s? pattern body ?pattern body ...? --
#	Waits until something that was received matches a pattern, and runs the
#	body after it in the caller.
# Arguments:
#	-i ids		where the following patterns are looked for: a list of
#			ids, or the name of a variable with one. Default: the
#			variable spawn_id.
#	-timeout s	how long to wait, -1 for ever; default: the variable
#			timeout, else 10 seconds.
#	pattern		?-gl? GLOB, -re REGEXP, -ex STRING, null
#			-message NAME, -alert ?LEVEL? DESCRIPTION, -record TYPE,
#			each with -from peer|self, else of both directions
#			-established, -accept, -closed ?HOW?, -error GLOB
#			eof, timeout, full_buffer, default
#			before a pattern: -nocase -notransfer -indices, and
#			-iread and -timestamp, which do nothing
#	-brace, -nobrace	before a single argument: it is a block of
#			patterns and bodies, or a pattern
# Results:
#	That of the body; empty if none was run. Sets expect_out in the caller.
# Errors:
#	Those of the body; PYOSSL EXPECT NOENDPOINT id, PYOSSL EXPECT NOTOPEN id
#	where nothing can come any more; PYOSSL EXPECT VALUE expect_out where
#	that is a variable and no array; PYOSSL EXPECT FILTER filter where a
#	filter of an endpoint it waits for has failed and no -error matches that
# Source:
#	expect of expect(1)
proc ::pyossl::expect::expect {args} {
    set spec [arguments::Parse $args 1]
    set seconds [dict get $spec timeout]
    if {$seconds eq ""} {
	set seconds [ReadVariable timeout 10 1]
	if {![Finite $seconds]} {
	    return -code error -errorcode [list PYOSSL EXPECT VALUE $seconds] \
		"the variable timeout must be a number of seconds,\
		not \"$seconds\""
	}
    }
    set token [WaitBegin {}]
    try {
	WaitTimer $token $seconds
	upvar 1 expect_out expect_out
	while {1} {
	    NoScalar expect_out
	    lassign [match::Wait $token $spec $seconds] pattern out
	    upvar #0 ::pyossl_expect_waiting::$token w
	    array set expect_out [dict merge $w(forgotten) $out]
	    set w(forgotten) {}
	    if {$pattern eq ""} {
		match::Unmatched $token [dict get $spec patterns] $out
		return
	    }
	    set code [catch {uplevel 1 [lindex $pattern 4]} result options]
	    if {$code == $match::continue} {
		WaitTimer $token $seconds
	    } elseif {$code != $match::continueTimer} {
		break
	    }
	    # What the body has left is looked at again.
	    foreach id [dict keys $w(ids)] {
		dict set w(dirty) $id 1
	    }
	    unset -nocomplain w(tested)
	}
    } finally {
	WaitEnd $token
    }
    dict incr options -level
    return -options $options $result
}

# NoScalar name --
#	For a command that is to put what has matched into an array of its
#	caller's: it fails where that cannot be done, before anything is taken.
proc ::pyossl::expect::NoScalar {name} {
    upvar 2 $name variable
    if {[info exists variable] && ![array exists variable]} {
	return -code error -level 2 -errorcode \
	    [list PYOSSL EXPECT VALUE $name] \
	    "the variable $name must be an array"
    }
}

# exp_continue ?-continue_timer? --
#	In the body of an expect: the expect goes on.
# Arguments:
#	-continue_timer	without beginning its time anew.
# Source:
#	exp_continue of expect(1)
proc ::pyossl::expect::exp_continue {args} {
    if {$args eq ""} {
	return -code $match::continue
    }
    if {$args eq "-continue_timer"} {
	return -code $match::continueTimer
    }
    return -code error -errorcode {TCL WRONGARGS} \
	"wrong # args: should be \"exp_continue ?-continue_timer?\""
}

#------------------------------------------------------------------------
# Waiting
#------------------------------------------------------------------------

# match::Wait token spec seconds --
#	Waits for the first match.
# Results:
#	{pattern out}; an empty pattern where the expect ends without one.
proc ::pyossl::expect::match::Wait {token spec seconds} {
    upvar #0 ::pyossl_expect_waiting::$token w
    while {1} {
	Prepare $token $spec
	set w(expired,now) $w(expired)
	while {[dict size $w(dirty)]} {
	    set dirty [lmap id [dict keys $w(dirty)] {
		if {![dict exists $w(all) $id]} continue
		set id
	    }]
	    set w(dirty) {}
	    set found [Turn $token $w(patterns) $dirty]
	    if {[llength $found]} {
		if {[lindex $found 0] eq ""} {
		    Trouble $w(own)
		}
		return $found
	    }
	}
	Trouble $w(own)
	Gone $w(own)
	if {$w(expired,now)} {
	    return [TimedOut $w(patterns)]
	}
	if {$seconds == 0} {
	    # What is there already counts, but is not waited for.
	    set w(expired) 1
	    update
	} else {
	    set w(waiting) 1
	    ::pyossl::expect::Sleep $token
	    set w(waiting) 0
	}
    }
}

# match::Waiting --
#	The patterns that expects are waiting for, those of the oldest first.
proc ::pyossl::expect::match::Waiting {} {
    set patterns {}
    foreach name [lsort -dictionary [info vars ::pyossl_expect_waiting::*]] {
	upvar #0 $name w
	if {[info exists w(waiting)] && $w(waiting)} {
	    lappend patterns {*}$w(patterns)
	}
    }
    return $patterns
}

# Works out which patterns there are and which endpoints they are about; again
# only where that may have changed.
proc ::pyossl::expect::match::Prepare {token spec} {
    upvar #0 ::pyossl_expect_waiting::$token w
    variable ::pyossl::expect::standingSerial
    if {[info exists w(prepared)] && $w(prepared) == $standingSerial} {
	return
    }
    set watch [dict get $spec watch]
    set w(patterns) [concat [::pyossl::expect::Standing before] \
	[dict get $spec patterns] [::pyossl::expect::Standing after]]
    set w(all) [All $w(patterns) $watch]
    # Those whose text is asked for: it is not touched on the others.
    set w(text) [Readers $w(patterns) $watch $w(all)]
    # A standing pattern alone does not make an error of an end.
    set w(own) [dict keys [All [dict get $spec patterns] $watch]]
    ::pyossl::expect::WaitFor $token [dict keys $w(all)]
    # What a variable names may be different the next time.
    set w(prepared) $standingSerial
    foreach where [concat [lmap p $w(patterns) {lindex $p 1}] $watch] {
	if {[lindex $where 0] eq "variable"} {
	    ::pyossl::expect::WaitTrace $token [lindex $where 1]
	    set w(prepared) -1
	}
    }
}

# No pattern has matched, and there is none for how the expect ended: in a check
# that is a failure.
proc ::pyossl::expect::match::Unmatched {token patterns out} {
    upvar #0 ::pyossl_expect_waiting::$token w
    if {[info exists ::pyossl::expect::check::active]
	    && $::pyossl::expect::check::active && [llength $patterns]} {
	tailcall ::pyossl::expect::check::unmatched \
	    [expr {$w(expired,now) ? "timeout" : "eof"}] $patterns $out
    }
}

# All endpoints that the patterns name, as the keys of a dict.
proc ::pyossl::expect::match::All {patterns watch} {
    set ids {}
    foreach pattern $patterns {
	foreach id [::pyossl::expect::arguments::Ids [lindex $pattern 1]] {
	    dict set ids $id 1
	}
    }
    foreach where $watch {
	foreach id [::pyossl::expect::arguments::Ids $where] {
	    dict set ids $id 1
	}
    }
    return $ids
}

# Those whose text the patterns are about, in the same form.
proc ::pyossl::expect::match::Readers {patterns watch all} {
    set readers {}
    foreach pattern $patterns {
	if {[lindex $pattern 0] in {gl re ex null full_buffer eof default}} {
	    lappend readers $pattern
	} elseif {[lindex $pattern 1] eq "any"} {
	    return $all
	}
    }
    return [All $readers $watch]
}

# The first pattern for the end of the time, if there is one.
proc ::pyossl::expect::match::TimedOut {patterns} {
    foreach pattern $patterns {
	if {[lindex $pattern 0] in {timeout default}} {
	    ::pyossl::expect::Internal "expect: timed out\r\n"
	    return [list $pattern {}]
	}
    }
    return [list {} {}]
}

#------------------------------------------------------------------------
# One turn
#------------------------------------------------------------------------

# match::Turn token patterns dirty --
#	Tries all patterns on the endpoints that have news.
# Results:
#	{pattern out}, {{} {}} to end without a match, or nothing.
proc ::pyossl::expect::match::Turn {token patterns dirty} {
    upvar #0 ::pyossl_expect_waiting::$token w
    foreach id $dirty {
	if {[dict exists $w(text) $id]} {
	    Refill $token $id
	}
    }
    set found [First $patterns $dirty]
    if {[llength $found]} {
	return $found
    }
    set more 0
    foreach id $dirty {
	upvar #0 ::pyossl::expect::endpoint::data::$id e
	if {![info exists e(kind)] || ![dict exists $w(text) $id]} {
	    continue
	}
	if {[string length $e(buffer)] >= $e(max)} {
	    set found [Full $token $patterns $id]
	    if {[llength $found]} {
		return $found
	    }
	}
	if {[string length $e(unread)]} {
	    dict set w(dirty) $id 1
	    set more 1
	}
    }
    if {$more} {
	return {}
    }
    return [Ended $patterns $dirty $w(text)]
}

# Moves text that has come into the buffer, as much as there is room for. In
# the first turn of an expect what is in the buffer comes first, alone.
proc ::pyossl::expect::match::Refill {token id} {
    upvar #0 ::pyossl_expect_waiting::$token w
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {![info exists e(kind)]} {
	return
    }
    if {![info exists w(tested)] || ![dict exists $w(tested) $id]} {
	dict set w(tested) $id 1
	if {[string length $e(unread)]} {
	    dict set w(dirty) $id 1
	}
	return
    }
    set room [expr {$e(max) - [string length $e(buffer)]}]
    set length [string length $e(unread)]
    if {$room > 0 && $length > 0} {
	append e(buffer) [string range $e(unread) $e(taken) \
	    [expr {$e(taken) + $room - 1}]]
	incr e(taken) $room
	if {$e(taken) >= $length} {
	    set e(unread) ""
	    set e(taken) 0
	} elseif {$e(taken) > $length / 2} {
	    # Not each time: all the rest is copied.
	    set e(unread) [string range $e(unread) $e(taken) end]
	    set e(taken) 0
	}
    }
}

# The first of the patterns for text and events that matches.
proc ::pyossl::expect::match::First {patterns dirty} {
    set internals [::pyossl::expect::Internals]
    foreach pattern $patterns {
	set kind [lindex $pattern 0]
	if {$kind in $::pyossl::expect::pattern::textKinds} {
	    set try Text
	} elseif {$kind in $::pyossl::expect::pattern::eventKinds} {
	    set try Event
	} else {
	    continue
	}
	foreach id [Here $pattern $dirty] {
	    set out [::pyossl::expect::pattern::$try $pattern $id]
	    if {$internals} {
		Tell $pattern $id $out
	    }
	    if {[dict size $out]} {
		return [list $pattern $out]
	    }
	}
    }
    return {}
}

# The endpoints with news that a pattern is for.
proc ::pyossl::expect::match::Here {pattern dirty} {
    set where [lindex $pattern 1]
    if {$where eq "any"} {
	return $dirty
    }
    set ids [::pyossl::expect::arguments::Ids $where]
    if {[llength $dirty] == 1} {
	return [expr {[lindex $dirty 0] in $ids ? $dirty : {}}]
    }
    # Hundreds of either: one pass over each, not one for each pair.
    set news {}
    foreach id $dirty {
	dict set news $id 1
    }
    return [lmap id $ids {
	if {![dict exists $news $id]} continue
	set id
    }]
}

# A full buffer: the pattern for it, else its older half is forgotten, which
# expect_out tells of if nothing else does.
proc ::pyossl::expect::match::Full {token patterns id} {
    upvar #0 ::pyossl_expect_waiting::$token w
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    foreach pattern $patterns {
	if {[lindex $pattern 0] eq "full_buffer"
		&& [llength [Here $pattern [list $id]]]} {
	    set out [dict create spawn_id $id buffer $e(buffer)]
	    set e(buffer) ""
	    return [list $pattern $out]
	}
    }
    if {[string length $e(unread)]} {
	set half [expr {([string length $e(buffer)] + 1) / 2}]
	set w(forgotten) [dict create spawn_id $id \
	    buffer [string range $e(buffer) 0 [expr {$half - 1}]]]
	set e(buffer) [string range $e(buffer) $half end]
    }
    return {}
}

# The end of endpoints: their patterns, in order; without one the expect ends.
# Where no pattern was about the text, it stays for those that are.
proc ::pyossl::expect::match::Ended {patterns dirty readers} {
    set ended {}
    foreach id $dirty {
	upvar #0 ::pyossl::expect::endpoint::data::$id e
	if {[info exists e(kind)] && ($e(eof) || [llength $e(queue,closed)])} {
	    lappend ended $id
	}
    }
    if {[llength $ended] == 0} {
	return {}
    }
    foreach pattern $patterns {
	switch -- [lindex $pattern 0] {
	    closed {
		foreach id [Here $pattern $ended] {
		    set out [::pyossl::expect::pattern::Event $pattern $id]
		    if {[dict size $out]} {
			return [list $pattern $out]
		    }
		}
	    }
	    default - eof {
		foreach id [Here $pattern $ended] {
		    upvar #0 ::pyossl::expect::endpoint::data::$id e
		    if {$e(eof) && !$e(eofseen)} {
			set e(eofseen) 1
			set out [dict create spawn_id $id buffer $e(buffer)]
			set e(buffer) ""
			::pyossl::expect::Internal "expect: read eof\r\n"
			return [list $pattern $out]
		    }
		}
	    }
	}
    }
    foreach id $ended {
	upvar #0 ::pyossl::expect::endpoint::data::$id e
	if {$e(eof) && !$e(eofseen)} {
	    if {![dict exists $readers $id] && [string length $e(buffer)]
		    + [string length $e(unread)] > 0} {
		return [list {} {}]
	    }
	    set e(eofseen) 1
	    set out [dict create spawn_id $id buffer $e(buffer)]
	    set e(buffer) ""
	    return [list {} $out]
	}
    }
    return {}
}

# match::Trouble ids --
#	A filter that has failed is a mistake of the script, which must not have
#	to ask for it: where no pattern has taken the error, the expect raises it
#	in its caller. It is taken by that, as by a pattern.
proc ::pyossl::expect::match::Trouble {own} {
    foreach id $own {
	upvar #0 ::pyossl::expect::endpoint::data::$id e
	if {![info exists e(queue,error)]} {
	    continue
	}
	set n -1
	foreach position $e(queue,error) {
	    incr n
	    set event [lindex $e(log) $position]
	    if {[lrange [dict get $event code] 0 2] eq "PYOSSL EXPECT FILTER"} {
		set e(queue,error) [lreplace $e(queue,error) $n $n]
		return -code error -level 3 -errorcode [dict get $event code] \
		    [dict get $event message]
	    }
	}
    }
}

# It is an error to wait where nothing can come any more: where all that the
# expect names has ended, and the script knows.
proc ::pyossl::expect::match::Gone {own} {
    foreach id $own {
	if {[::pyossl::expect::endpoint::exists $id]
		&& ![set ::pyossl::expect::endpoint::data::${id}(eofseen)]} {
	    return
	}
    }
    if {[llength $own]} {
	set id [lindex $own 0]
	return -code error -level 3 -errorcode \
	    [list PYOSSL EXPECT NOTOPEN $id] "expect: spawn id $id not open"
    }
}

# A line of exp_internal about one attempt.
proc ::pyossl::expect::match::Tell {pattern id out} {
    lassign $pattern kind where argument
    if {$kind in $::pyossl::expect::pattern::textKinds} {
	set what [expr {[dict size $out] ? [dict get $out buffer]
	    : [set ::pyossl::expect::endpoint::data::${id}(buffer)]}]
	set text "expect: does \"[Printable $what]\" (spawn_id $id) match\
	    [dict get {gl {glob pattern} re {regular expression}
		ex {exact string} null null} $kind] \"[Printable $argument]\"?"
    } else {
	set text "expect: does an event of $id match -$kind $argument?"
    }
    ::pyossl::expect::Internal \
	"$text [expr {[dict size $out] ? "yes" : "no"}]\r\n"
    if {[dict size $out]} {
	dict for {name value} $out {
	    ::pyossl::expect::Internal \
		"expect: set expect_out($name) \"[Printable $value]\"\r\n"
	}
    }
}

# Text in one line.
proc ::pyossl::expect::match::Printable {text} {
    set text [string map [list \\ \\\\ \r \\r \n \\n \t \\t] $text]
    set printable ""
    foreach c [split $text ""] {
	append printable [expr {[string is print $c] ? $c
	    : [format {\u%04x} [scan $c %c]]}]
    }
    return $printable
}
