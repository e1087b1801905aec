# live.tcl --
#
#	Live lines: each event on the wire as a line on the terminal, at the
#	moment when it happens, in the colours of the ladder diagram.

namespace eval ::pyossl::expect::live {
    variable on 0
    variable records 0		;# show each record, too
    variable colours 0
    variable writer puts	;# a command prefix that prints a line
}

::pyossl::expect::Load transcript.tcl
::pyossl::expect::Load terminal.tcl

# live ?on|off|records? --
#	Whether each message, alert and piece of data is shown on the terminal as
#	it goes over the wire; "records" shows the records as well.  At the prompt
#	they are on at first.
# Results:
#	The state: on, off or records.
# Errors:
#	PYOSSL EXPECT VALUE for another word.
proc ::pyossl::expect::live {args} {
    if {[llength $args] > 1} {
	return -code error -errorcode {TCL WRONGARGS} \
		"wrong # args: should be \"live ?on|off|records?\""
    }
    if {[llength $args]} {
	set word [lindex $args 0]
	if {$word ni {on off records}} {
	    return -code error -errorcode {PYOSSL EXPECT VALUE} \
		    "live wants on, off or records, not \"$word\""
	}
	live::set $word
    }
    return [expr {!$live::on ? "off" : $live::records ? "records" : "on"}]
}

proc ::pyossl::expect::live::set {word} {
    variable on [expr {$word ne "off"}]
    variable records [expr {$word eq "records"}]
    variable colours [::pyossl::expect::terminal::colours stdout]
    if {$on} {
	::pyossl::expect::event::watch ::pyossl::expect::live::show
    } else {
	::pyossl::expect::event::unwatch ::pyossl::expect::live::show
    }
}

# live::show event --
#	Prints an event, if it is one that is shown.
proc ::pyossl::expect::live::show {event} {
    variable writer
    ::set text [line $event]
    if {$text ne ""} {
	{*}$writer $text
    }
}

# live::line event --
#	An event as a line, coloured where there are colours, or "".
proc ::pyossl::expect::live::line {event} {
    variable records
    variable colours
    if {[dict get $event kind] eq "filter"} {
	return ""
    }
    ::set event [::pyossl::expect::transcript::shown $event \
	    [::pyossl::expect::endpoint::get [dict get $event id] kind ""] \
	    [expr {$records ? 1 : ""}]]
    if {$event eq ""} {
	return ""
    }
    lassign [::pyossl::expect::transcript::describe $event] label detail class
    ::set arrow [dict get {self -> peer <- "" --} \
	    [::pyossl::expect::transcript::get $event from]]
    ::set label [format "%s %-19s" $arrow $label]
    if {$colours} {
	::set label [::pyossl::expect::terminal::colour $class $label]
    }
    return [string trimright [format "%-8s %s  %s" [dict get $event id] $label \
	    $detail]]
}
