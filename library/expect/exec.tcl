# exec.tcl --
#
#	exec at the prompt, in the user's interpreter, see shell.tcl.  Tcl's own
#	runs no events while it waits for a program, so that no key could end it:
#	this one reads what the program has to say by events.

namespace eval ::pyossl::expect::exec {
    variable serial 0
    variable output	;# array: number -> what the program has said
    variable done	;# array: number -> 1 when that was all
    array set output {}
    array set done {}
}

# Takes the place of Tcl's exec, which becomes ::pyossl::expect::shell::exec.
proc ::pyossl::expect::exec::Install {} {
    rename ::exec ::pyossl::expect::shell::exec
    interp alias {} ::exec {} ::pyossl::expect::exec::Exec
}

# exec ?-option ...? word ?word ...? -- as Tcl's.
proc ::pyossl::expect::exec::Exec {args} {
    if {"<@stdin" in $args} {
	return [WithTerminal $args]
    }
    if {![llength $args]} {
	return -code error -errorcode {TCL WRONGARGS} \
		"wrong # args: should be \"exec ?-option ...? arg ?arg ...?\""
    }
    set words $args
    set keep 0
    while {[string match -* [lindex $words 0]]} {
	set words [lassign $words option]
	switch -- $option {
	    -keepnewline {
		set keep 1
	    }
	    -ignorestderr {
		lappend words 2>@stderr
	    }
	    -- {
		break
	    }
	    default {
		set words {}
	    }
	}
    }
    # Without an output to read there is no telling when it is done. The harness
    # itself does not want any events to come in between.
    if {![llength $words] || [lindex $words end] eq "&"
	    || [lsearch -glob $words >*] >= 0
	    || [string match ::pyossl::expect::* [uplevel 1 {namespace current}]]} {
	tailcall ::pyossl::expect::shell::exec {*}$args
    }
    if {[lsearch -glob $words <*] < 0 && [file exists /dev/null]} {
	# The keys are the prompt's, Ctrl-C among them.
	lappend words </dev/null
    }
    return [Wait [open |$words r] $keep]
}

# A program that gets the terminal wants it as it was.
proc ::pyossl::expect::exec::WithTerminal {words} {
    # Keys typed ahead cannot be given to it.
    ::pyossl::expect::shell::typed [::pyossl::expect::terminal::borrow]
    ::pyossl::expect::shell::around restore
    try {
	return [::pyossl::expect::shell::exec {*}$words]
    } finally {
	::pyossl::expect::shell::around keys
	::pyossl::expect::terminal::giveback
    }
}

# Waits for programs to end; what ends the wait ends them too.
proc ::pyossl::expect::exec::Wait {channel keep} {
    variable serial
    variable output
    variable done
    set n [incr serial]
    set output($n) ""
    set pids [pid $channel]
    chan configure $channel -blocking 0
    chan event $channel readable \
	    [list ::pyossl::expect::exec::Readable $channel $n]
    try {
	::pyossl::Vwait ::pyossl::expect::exec::done($n)
    } on error {message info} {
	catch {::pyossl::expect::shell::exec kill -s INT {*}$pids 2>@1}
	# It goes in the background, should it take its time.
	catch {close $channel}
	unset -nocomplain output($n) done($n)
	return -options $info $message
    }
    set text $output($n)
    unset output($n) done($n)
    # What it has written as errors, and its status, Tcl tells now.
    chan configure $channel -blocking 1
    set code [catch {close $channel} message info]
    append text $message
    if {!$keep} {
	set text [regsub {\n\Z} $text {}]
    }
    if {$code} {
	return -code error -errorcode [dict get $info -errorcode] $text
    }
    return $text
}

# There is output, or its end.
proc ::pyossl::expect::exec::Readable {channel n} {
    variable output
    variable done
    if {[catch {
	::pyossl::expect::Tolerantly $channel {append output($n) [read $channel]}
    }] || [eof $channel]} {
	chan event $channel readable {}
	set done($n) 1
    }
}
