# terminal.tcl --
#
#	The user's terminal: its modes, its size, its colours.
#
#	Plain Tcl knows neither terminal modes nor signals.  The modes are set by
#	the program stty; and since a process that reads keys one by one sees
#	Ctrl-C as a character, no signal is needed as long as the terminal does
#	not make one of it.
#
#	While a command such as interact uses the terminal, the prompt must keep
#	its hands off it: the prompt puts its own commands in the place of
#	terminal::borrow and terminal::giveback.

namespace eval ::pyossl::expect::terminal {
    variable saved ""		;# the modes in which the terminal was found
}

# terminal::present channel --
#	1 if the channel is a terminal.
proc ::pyossl::expect::terminal::present {channel} {
    # Only serial lines have -mode, and terminals are such.
    return [expr {![catch {fconfigure $channel -mode}]}]
}

# terminal::stty word ... --
#	Has stty change or tell the modes of the terminal that is the standard
#	input.
proc ::pyossl::expect::terminal::stty {args} {
    return [exec stty {*}$args <@stdin 2>@1]
}

# terminal::keys --
#	From now on keys arrive one by one, Ctrl-C and Ctrl-Z among them, and are
#	not shown.  The modes before are kept for terminal::restore.
proc ::pyossl::expect::terminal::keys {} {
    variable saved
    if {$saved eq ""} {
	set saved [stty -g]
    }
    stty -icanon -echo min 1 time 0 intr undef quit undef susp undef
}

# terminal::restore --
#	The terminal as it was found.
proc ::pyossl::expect::terminal::restore {} {
    variable saved
    if {$saved ne ""} {
	set modes $saved
	set saved ""
	catch {stty $modes}
    }
}

# terminal::size --
#	{rows columns}; 24 and 80 where nobody knows.
proc ::pyossl::expect::terminal::size {} {
    if {![catch {stty size} size] && [regexp {^([1-9]\d*) ([1-9]\d*)$} $size - \
	    rows columns]} {
	return [list $rows $columns]
    }
    return {24 80}
}

# terminal::colours channel --
#	1 if colours are wanted there: it is a terminal that has them, and the
#	environment variable NO_COLOR is not set.
proc ::pyossl::expect::terminal::colours {channel} {
    if {[info exists ::env(NO_COLOR)] && $::env(NO_COLOR) ne ""} {
	return 0
    }
    return [expr {[present $channel] && [info exists ::env(TERM)]
	    && $::env(TERM) ni {"" dumb}}]
}

# terminal::colour class text --
#	The text in the colour of a class of events, see transcript::describe.
proc ::pyossl::expect::terminal::colour {class text} {
    set codes {handshake 34 alert 1;31 error 1;31 ccs 33 data 32 record 90
	closed 90 state 36 prompt 1}
    if {![dict exists $codes $class]} {
	return $text
    }
    return "\x1b\[[dict get $codes $class]m$text\x1b\[0m"
}

# terminal::borrow --
#	A command wants to read the keys itself.  Where there is no prompt there
#	is nobody to ask.
# Results:
#	The keys that were typed before.
proc ::pyossl::expect::terminal::borrow {} {
}

# terminal::giveback --
#	It needs them no more.
proc ::pyossl::expect::terminal::giveback {} {
}
