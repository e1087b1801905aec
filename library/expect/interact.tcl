# interact.tcl --
#
#	The command interact: the user's terminal and an endpoint are one.
#
#	    keys --> patterns of the user --> send
#	    terminal <-- patterns of the endpoint (-o) <-- text
#
#	What is typed goes to the endpoint key by key; what the endpoint says is
#	shown.  A pattern takes what it matches out of the stream and runs its
#	action instead; the beginning of a match is held back until it is clear
#	what becomes of it.

namespace eval ::pyossl::expect::interact {
    variable serial 0
}

::pyossl::expect::Load terminal.tcl

# interact ?-i id? ?-escape character? ?pattern action ...? ?-o pattern action ...? --
#	Joins the user's terminal to an endpoint, until the user types the escape
#	character or the endpoint ends.
# Arguments:
#	-i id	the endpoint; default: the variable spawn_id
#	-escape character	default Ctrl-]; empty for none
#	pattern action	what is done when the user types this; behind -o, when
#		the endpoint says it.  Patterns are exact strings (-ex), or
#		regular expressions behind -re.  What matches does not go on to
#		the other side, except behind -nobuffer.  The words eof and
#		"timeout SECONDS" stand for the end of that side and for a time
#		in which nothing came from it.
# Results:
#	Empty, or what an action returns: return and break end the interact, and
#	after any other action it goes on.  A match of -re is in
#	interact_out(0,string), its groups in interact_out(1,string) and so on.
# Errors:
#	PYOSSL EXPECT NOENDPOINT id, PYOSSL EXPECT NOTOPEN id, and errors of
#	actions.
# Source:
#	interact of expect(1)
proc ::pyossl::expect::interact {args} {
    set id [TakeId args "interact ?-i id? ?-escape character? ?pattern action\
	    ...? ?-o pattern action ...?"]
    endpoint::Check $id 1
    set spec [interact::Parse $args]
    set token [interact::Begin $id $spec]
    upvar #0 ::pyossl::expect::interact::$token s
    set terminal [expr {[terminal::present stdin]}]
    append s(typed) [terminal::borrow]
    try {
	if {$terminal} {
	    terminal::keys
	}
	set s(echo) $terminal
	interact::Watch $token
	while {1} {
	    NoScalar interact_out
	    set action [interact::Next $token]
	    if {$action eq "end"} {
		return
	    }
	    lassign $action - script out
	    if {[dict size $out]} {
		upvar 1 interact_out interact_out
		array set interact_out $out
	    }
	    set code [catch {uplevel 1 $script} result info]
	    switch -- $code {
		0 - 4 {
		    # Also "continue": it goes on.
		}
		2 - 3 {
		    return $result
		}
		default {
		    if {$code == $::pyossl::expect::match::continue} {
			continue
		    }
		    dict incr info -level
		    return -options $info $result
		}
	    }
	}
    } finally {
	interact::End $token
	if {$terminal} {
	    terminal::restore
	}
	terminal::giveback
    }
}

#------------------------------------------------------------------------
# Patterns
#------------------------------------------------------------------------

# interact::Parse words --
#	{escape user peer}: the escape character, and for each side a list of
#	{kind pattern action buffered}, kind ex, re, eof or timeout.
proc ::pyossl::expect::interact::Parse {words} {
    set spec [dict create escape \x1d user {} peer {}]
    set side user
    set kind ex
    set buffered 1
    while {[llength $words]} {
	set words [lassign $words word]
	switch -- $word {
	    -escape {
		if {![llength $words]} {
		    Wrong "-escape wants a character"
		}
		set words [lassign $words escape]
		dict set spec escape $escape
		continue
	    }
	    -o {
		set side peer
		continue
	    }
	    -input - -u - -output {
		Wrong "interact has no $word: it joins the terminal and one endpoint"
	    }
	    -nobuffer {
		set buffered 0
		continue
	    }
	    -re {
		set kind re
		continue
	    }
	    -ex - -- {
		set kind [expr {$word eq "-ex" ? "ex" : $kind}]
		if {![llength $words]} {
		    Wrong "$word wants a pattern"
		}
		set words [lassign $words pattern]
	    }
	    eof - timeout {
		set pattern ""
		if {$kind eq "ex"} {
		    set kind $word
		    if {$word eq "timeout"} {
			set words [lassign $words pattern]
			if {![::pyossl::expect::Finite $pattern]} {
			    Wrong "timeout wants seconds, not \"$pattern\""
			}
		    }
		} else {
		    set pattern $word
		}
	    }
	    default {
		if {$kind eq "ex" && [string match -?* $word]} {
		    return -code error -errorcode \
			    [list TCL LOOKUP INDEX flag $word] \
			    "bad flag \"$word\": must be -i, -escape, -ex, -nobuffer,\
			    -o, -re, or -- before a pattern"
		}
		set pattern $word
	    }
	}
	if {![llength $words]} {
	    Wrong "the pattern \"$word\" has no action"
	}
	if {$kind eq "re" && [catch {regexp -- $pattern ""} message]} {
	    Wrong $message
	}
	set words [lassign $words action]
	dict lappend spec $side [list $kind $pattern $action $buffered]
	set kind ex
	set buffered 1
    }
    if {$kind ne "ex" || !$buffered} {
	Wrong "there is no pattern behind $word"
    }
    return $spec
}

proc ::pyossl::expect::interact::Wrong {text} {
    return -code error -level 2 -errorcode {PYOSSL EXPECT VALUE} $text
}

# interact::match patterns text ended --
#	Looks for the first place in a text where a pattern matches.
# Results:
#	{through held match}: the text that goes on to the other side; what is
#	held back, since it may become a match; and {pattern out rest} if there
#	is one, rest being what comes after it.
proc ::pyossl::expect::interact::match {patterns text ended} {
    set best {}
    set from [string length $text]
    foreach pattern $patterns {
	lassign $pattern kind what
	set out {}
	if {$kind eq "ex"} {
	    set start [string first $what $text]
	    set end [expr {$start + [string length $what] - 1}]
	} elseif {$kind eq "re"} {
	    set start -1
	    set places [regexp -inline -indices -- $what $text]
	    if {[llength $places]} {
		lassign [lindex $places 0] start end
		set n -1
		foreach place $places {
		    dict set out [incr n],string [string range $text {*}$place]
		}
	    }
	} else {
	    continue
	}
	if {$start >= 0 && $start < $from && $end >= $start} {
	    set from $start
	    set best [list $pattern $out [string range $text $end+1 end] \
		    [string range $text $start $end]]
	}
    }
    if {[llength $best]} {
	return [list [string range $text 0 $from-1] "" $best]
    }
    set hold [expr {$ended ? 0 : [Held $patterns $text]}]
    set keep [expr {[string length $text] - $hold}]
    return [list [string range $text 0 $keep-1] [string range $text $keep end] {}]
}

# How many characters at the end of a text may be the beginning of a match.  Of
# a regular expression nobody knows; it is tried on what comes together.
proc ::pyossl::expect::interact::Held {patterns text} {
    set most 0
    foreach pattern $patterns {
	lassign $pattern kind what - buffered
	if {$kind ne "ex" || !$buffered} {
	    continue
	}
	for {set n [expr {min([string length $what] - 1, [string length $text])}]} \
		{$n > $most} {incr n -1} {
	    if {[string equal -length $n $what [string range $text end-[expr {
		    $n - 1}] end]]} {
		set most $n
	    }
	}
    }
    return $most
}

#------------------------------------------------------------------------
# Both streams
#------------------------------------------------------------------------

# Makes the record of an interact.
proc ::pyossl::expect::interact::Begin {id spec} {
    variable serial
    set token state[incr serial]
    upvar #0 ::pyossl::expect::interact::$token s
    array set s {typed "" said "" userEnded 0 quiet,user 0 quiet,peer 0}
    # What is received is shown here, after the patterns have seen it.
    set s(logUser) [::pyossl::expect::log_user 0]
    set s(id) $id
    set s(wait) [::pyossl::expect::WaitBegin [list $id]]
    set s(escape) [dict get $spec escape]
    foreach side {user peer} {
	set s(patterns,$side) [dict get $spec $side]
	set s(timer,$side) ""
    }
    return $token
}

# Begins to listen to both sides.
proc ::pyossl::expect::interact::Watch {token} {
    upvar #0 ::pyossl::expect::interact::$token s
    fileevent stdin readable [list ::pyossl::expect::interact::Keys $token]
    Quiet $token user
    Quiet $token peer
}

proc ::pyossl::expect::interact::End {token} {
    upvar #0 ::pyossl::expect::interact::$token s
    fileevent stdin readable {}
    foreach side {user peer} {
	after cancel $s(timer,$side)
    }
    ::pyossl::expect::log_user $s(logUser)
    # What was not shown yet is still there for an expect.
    if {[::pyossl::expect::endpoint::exists $s(id)]} {
	upvar #0 ::pyossl::expect::endpoint::data::$s(id) e
	set e(unread) $s(said)[::pyossl::expect::endpoint::unread $s(id)]
	set e(taken) 0
    }
    ::pyossl::expect::WaitEnd $s(wait)
    unset s
}

# Keys have come.
proc ::pyossl::expect::interact::Keys {token} {
    upvar #0 ::pyossl::expect::interact::$token s
    upvar #0 ::pyossl_expect_waiting::$s(wait) w
    ::pyossl::expect::Tolerantly stdin {
	set typed [read stdin 1]
	while {[chan pending input stdin] > 0} {
	    append typed [read stdin 1]
	}
    }
    append s(typed) $typed
    if {$typed eq "" && [eof stdin]} {
	set s(userEnded) 1
	fileevent stdin readable {}
    }
    Quiet $token user
    set w(wake) 1
}

# Begins the time anew in which nothing comes from one side.
proc ::pyossl::expect::interact::Quiet {token side} {
    upvar #0 ::pyossl::expect::interact::$token s
    after cancel $s(timer,$side)
    set s(quiet,$side) 0
    foreach pattern $s(patterns,$side) {
	lassign $pattern kind seconds
	if {$kind eq "timeout" && $seconds >= 0} {
	    set s(timer,$side) [after [expr {int($seconds * 1000)}] \
		    [list ::pyossl::expect::interact::Silent $token $side]]
	    return
	}
    }
}

proc ::pyossl::expect::interact::Silent {token side} {
    upvar #0 ::pyossl::expect::interact::$token s
    upvar #0 ::pyossl_expect_waiting::$s(wait) w
    set s(quiet,$side) 1
    set w(wake) 1
}

# interact::Next token --
#	Carries both streams until there is something to do.
# Results:
#	"end", or {action script out}.
proc ::pyossl::expect::interact::Next {token} {
    upvar #0 ::pyossl::expect::interact::$token s
    upvar #0 ::pyossl_expect_waiting::$s(wait) w
    while {1} {
	foreach side {peer user} {
	    set action [expr {$side eq "peer" ? [FromPeer $token] : [FromUser $token]}]
	    if {$action ne ""} {
		return $action
	    }
	    if {$s(quiet,$side)} {
		Quiet $token $side
		return [list action [lindex [lsearch -inline -index 0 -exact \
			$s(patterns,$side) timeout] 2] {}]
	    }
	}
	::pyossl::Vwait ::pyossl_expect_waiting::$s(wait)(wake)
	::pyossl::expect::match::Trouble [list $s(id)]
    }
}

# What the user has typed goes to the endpoint.
proc ::pyossl::expect::interact::FromUser {token} {
    upvar #0 ::pyossl::expect::interact::$token s
    set patterns $s(patterns,user)
    if {$s(escape) ne ""} {
	lappend patterns [list ex $s(escape) "" 1]
    }
    lassign [match $patterns $s(typed) $s(userEnded)] through held found
    set s(typed) $held
    if {[llength $found]} {
	lassign $found pattern out rest matched
	if {![lindex $pattern 3]} {
	    append through $matched
	}
	set s(typed) $rest
    }
    if {$through ne ""} {
	if {$s(echo)} {
	    ::pyossl::expect::Tolerantly stdout {
		puts -nonewline stdout [Visible $through]
		flush stdout
	    }
	}
	Send $s(id) $through
    }
    if {[llength $found]} {
	if {[lindex $pattern 1] eq $s(escape) && [lindex $pattern 2] eq ""} {
	    return end
	}
	return [list action [lindex $pattern 2] $out]
    }
    if {$s(userEnded)} {
	return [Ended $token user]
    }
    return ""
}

# What is typed, as it is shown: Ctrl-C as ^C.
proc ::pyossl::expect::interact::Visible {text} {
    set result ""
    foreach character [split $text ""] {
	scan $character %c code
	if {$code < 32 && $character ni {\n \t} || $code == 127} {
	    set character ^[format %c [expr {$code ^ 64}]]
	}
	append result $character
    }
    return $result
}

# The endpoint may have ended in between: its end is what is told then.
proc ::pyossl::expect::interact::Send {id text} {
    if {[catch {::pyossl::expect::send -i $id -- $text} message info]} {
	if {![::pyossl::expect::endpoint::get $id eof 1]} {
	    return -options $info $message
	}
    }
}

# What the endpoint has said goes to the terminal.
proc ::pyossl::expect::interact::FromPeer {token} {
    upvar #0 ::pyossl::expect::interact::$token s
    if {![::pyossl::expect::endpoint::exists $s(id)]} {
	return end
    }
    upvar #0 ::pyossl::expect::endpoint::data::$s(id) e
    if {$e(buffer) ne "" || $e(unread) ne ""} {
	append s(said) $e(buffer)[::pyossl::expect::endpoint::unread $s(id)]
	set e(buffer) ""
	set e(unread) ""
	set e(taken) 0
	Quiet $token peer
    }
    lassign [match $s(patterns,peer) $s(said) $e(eof)] through held found
    set s(said) $held
    if {[llength $found]} {
	lassign $found pattern out rest matched
	if {![lindex $pattern 3]} {
	    append through $matched
	}
	set s(said) $rest
    }
    if {$through ne ""} {
	Show $token $through
    }
    if {[llength $found]} {
	return [list action [lindex $pattern 2] $out]
    }
    if {$e(eof)} {
	set e(eofseen) 1
	return [Ended $token peer]
    }
    return ""
}

# To the terminal, and to the log file, which would have got it with log_user on.
proc ::pyossl::expect::interact::Show {token text} {
    upvar #0 ::pyossl::expect::interact::$token s
    ::pyossl::expect::Tolerantly stdout {
	puts -nonewline stdout $text
	flush stdout
    }
    set log $::pyossl::expect::logFile
    if {$s(logUser) && [dict get $log channel] ne "" && ![dict get $log all]} {
	::pyossl::expect::Log $text [::pyossl::expect::Encoded $s(id) $text]
    }
}

# One side has ended: its eof action, else the interact ends with it.
proc ::pyossl::expect::interact::Ended {token side} {
    upvar #0 ::pyossl::expect::interact::$token s
    set pattern [lsearch -inline -index 0 -exact $s(patterns,$side) eof]
    if {$pattern eq "" || [info exists s(told,$side)]} {
	return end
    }
    set s(told,$side) 1
    return [list action [lindex $pattern 2] {}]
}
