# shell.tcl --
#
#	The program pyosslsh: it runs scripts and files of checks, and at a
#	terminal it is a prompt.
#
#	At the prompt there are two interpreters:
#
#	    this one: terminal, editor, history    the other one: the user's
#	        keys -> line editor -- command -->     commands, endpoints
#	                     <-- live lines, output --
#
#	so that Ctrl-C can end whatever runs there: a waiting expect or vwait by
#	[interp cancel], which only another interpreter can do, and a script that
#	never looks at its events by a time limit, whose handler looks at the
#	keys.

namespace eval ::pyossl::expect::shell {
    variable child ""		;# the user's interpreter
    variable busy 0		;# is a command running in it?
    variable borrowed 0		;# does that command read the keys itself?
    variable lastError ""	;# the stack of the last error
    variable historyFile ""
    variable historyLimit 1000
    variable column0 1		;# has what was printed ended with a line end?
    variable checkEvery 300	;# ms between looks at the keys while it is busy
}

foreach file {terminal.tcl lineedit.tcl help.tcl} {
    ::pyossl::expect::Load $file
}
unset file

#------------------------------------------------------------------------
# The command line
#------------------------------------------------------------------------

# shell::main arguments --
#	What pyosslsh does; never returns.
proc ::pyossl::expect::shell::main {arguments} {
    # Checks tell the lines of their failures from the first one on.
    interp debug {} -frame 1
    set status [catch {dispatch $arguments} result info]
    if {$status == 1} {
	if {[lrange [dict get $info -errorcode] 0 2] eq {PYOSSL EXPECT USAGE}} {
	    puts stderr "pyosslsh: $result (pyosslsh -h tells how it is used)"
	} elseif {![Unread $result $info]} {
	    puts stderr [dict get $info -errorinfo]
	}
	set result 1
    }
    leave $result
}

# Is an error that nobody reads the output any more, as behind "| head"? That is
# no fault of the script's, and where it was is of no use to anybody.
proc ::pyossl::expect::shell::Unread {message info} {
    return [expr {[lrange [dict get $info -errorcode] 0 1] eq "POSIX EPIPE"
	&& [string match {error writing "stdout"*} $message]}]
}

# Ends the program, with the terminal as it was.
proc ::pyossl::expect::shell::leave {{status 0}} {
    variable child
    ::pyossl::expect::terminal::restore
    # The programs of the prompt's interpreter go with it.
    catch {
	interp limit $child time -seconds {} -command {}
	interp eval $child {
	    if {[namespace which ::pyossl::expect::program::HangUp] ne ""} {
		::pyossl::expect::program::HangUp
	    }
	}
    }
    ::exit $status
}

# Returns the exit status.
proc ::pyossl::expect::shell::dispatch {arguments} {
    switch -- [lindex $arguments 0] {
	-h - -help - --help {
	    puts [usage]
	    return 0
	}
	-v - -version - --version {
	    puts "pyosslsh [package provide pyossl], [::pyossl::version],\
		    Tcl [info patchlevel]"
	    return 0
	}
	-c {
	    if {[llength $arguments] < 2} {
		Usage "-c wants a script"
	    }
	    Arguments pyosslsh [lrange $arguments 2 end]
	    Evaluate [list eval [lindex $arguments 1]]
	    return [Verdict]
	}
	-format - -match - -limit - -output {
	    return [Report $arguments]
	}
	-conversations {
	    ::pyossl::expect::Load conversation.tcl
	    return [::pyossl::expect::conversation::main \
		    [lrange $arguments 1 end]]
	}
	-- {
	    set arguments [lrange $arguments 1 end]
	}
	default {
	    if {[string match -?* [lindex $arguments 0]]} {
		Usage "there is no option \"[lindex $arguments 0]\""
	    }
	}
    }
    if {[llength $arguments]} {
	return [Script {*}$arguments]
    }
    if {[::pyossl::expect::terminal::present stdin]
	    && [::pyossl::expect::terminal::present stdout]} {
	return [interactive]
    }
    return [Input]
}

proc ::pyossl::expect::shell::Usage {text} {
    return -code error -errorcode {PYOSSL EXPECT USAGE} $text
}

proc ::pyossl::expect::shell::usage {} {
    return {usage: pyosslsh                          a prompt; without a terminal
                                         commands from the standard input
       pyosslsh SCRIPT ?ARG ...?         runs a script
       pyosslsh -c COMMANDS ?ARG ...?    runs these commands
       pyosslsh -format tap|junit|json|text ?-match PATTERN? ?-limit SECONDS?
                ?-output FILE? FILE ...  runs files of checks, and reports
       pyosslsh -conversations list ?PATTERN ...?
       pyosslsh -conversations -server HOST:PORT ?-OPTION VALUE ...?
       pyosslsh -conversations -client COMMAND ?-OPTION VALUE ...?
                                         holds the ready conversations
       pyosslsh -h | --version

The exit status is 0 if all went well and no check has failed, else 1 or what
the script says. The commands of pyossl::expect are there without their prefix.}
}

# Sets what a script finds its arguments in, and imports the commands.
proc ::pyossl::expect::shell::Arguments {name arguments} {
    set ::argv0 $name
    set ::argv $arguments
    set ::argc [llength $arguments]
    uplevel #0 [Import]
}

# The commands by which an interpreter gets the harness without a prefix.
proc ::pyossl::expect::shell::Import {} {
    return {namespace import -force ::pyossl::expect::*}
}

# shell::Script file ?argument ...? -- runs a script.
proc ::pyossl::expect::shell::Script {file args} {
    set file [::pyossl::expect::Path $file]
    Arguments $file $args
    Evaluate [list source -encoding utf-8 $file]
    return [Verdict]
}

# shell::Evaluate command --
#	Runs commands of the script's, at the global level.
# Results:
#	1 if more of them may follow, 0 after return: the script ends there, and
#	what it returned is no exit status.
# Errors:
#	Those of the script; so are break and others that end nothing here.
proc ::pyossl::expect::shell::Evaluate {command} {
    set code [catch {uplevel #0 $command} result info]
    if {$code == 0} {
	return 1
    }
    ::pyossl::expect::Load check.tcl
    set how [::pyossl::expect::check::ending $code $info]
    if {$how == 1} {
	dict set info -code 1
	dict set info -level 0
	return -options $info $result
    }
    if {[set text [::pyossl::expect::check::stray $how]] ne ""} {
	return -code error $text
    }
    return 0
}

# 1 if a check has failed, and the sums if there were any; else 0.
proc ::pyossl::expect::shell::Verdict {} {
    if {![info exists ::pyossl::expect::check::results]
	    || ![llength $::pyossl::expect::check::results]} {
	return 0
    }
    ::pyossl::expect::Load report.tcl
    set counts [::pyossl::expect::report::count [list [dict create seconds 0 \
	    results $::pyossl::expect::check::results]]]
    puts [::pyossl::expect::report::summary $counts]
    return [expr {[dict get $counts fail] > 0}]
}

# Runs files of checks.
proc ::pyossl::expect::shell::Report {arguments} {
    ::pyossl::expect::Load report.tcl
    set options {-format text -match * -limit 120 -output ""}
    while {[dict exists $options [lindex $arguments 0]]} {
	if {[llength $arguments] < 2} {
	    Usage "[lindex $arguments 0] wants a value"
	}
	set arguments [lassign $arguments name value]
	dict set options $name $value
    }
    if {[dict get $options -format] ni $::pyossl::expect::report::formats} {
	Usage "there is no format \"[dict get $options -format]\":\
		[join $::pyossl::expect::report::formats {, }]"
    }
    if {![string is integer -strict [dict get $options -limit]]
	    || [dict get $options -limit] < 0} {
	Usage "-limit wants seconds, not \"[dict get $options -limit]\""
    }
    if {![llength $arguments]} {
	Usage "which files?"
    }
    set channel stdout
    set output [dict get $options -output]
    if {$output ne ""} {
	if {[catch {open $output w} channel]} {
	    Usage $channel
	}
    }
    fconfigure $channel -encoding utf-8
    try {
	set good [::pyossl::expect::report::run $arguments \
		-format [dict get $options -format] \
		-match [dict get $options -match] \
		-limit [dict get $options -limit] -channel $channel \
		-load "package require pyossl::expect; [Import]"]
    } finally {
	if {$output ne ""} {
	    close $channel
	}
    }
    return [expr {!$good}]
}

# shell::Input -- runs the commands of the standard input, one by one as they
# come, as tclsh does.  The first error is the end.
proc ::pyossl::expect::shell::Input {} {
    variable ready
    Arguments pyosslsh {}
    set command ""
    while {1} {
	fileevent stdin readable {set ::pyossl::expect::shell::ready 1}
	vwait ::pyossl::expect::shell::ready
	fileevent stdin readable {}
	if {[gets stdin line] < 0} {
	    break
	}
	append command $line \n
	if {[info complete $command]} {
	    set whole $command
	    set command ""
	    if {![Evaluate $whole]} {
		break
	    }
	}
    }
    if {[string trim $command] ne ""} {
	Usage "the input ends inside of a command"
    }
    return [Verdict]
}

#------------------------------------------------------------------------
# The prompt
#------------------------------------------------------------------------

# shell::interactive --
#	Reads commands and runs them until the user leaves.
proc ::pyossl::expect::shell::interactive {} {
    variable child
    variable historyFile
    set ::pyossl::expect::lineedit::isComplete {info complete}
    set ::pyossl::expect::lineedit::completer ::pyossl::expect::shell::complete
    set ::pyossl::expect::lineedit::suspend ::pyossl::expect::shell::suspend
    interp bgerror {} ::pyossl::expect::shell::background
    set child [makeChild]
    set historyFile [HistoryFile]
    loadHistory
    ::pyossl::expect::terminal::keys
    fileevent stdin readable ::pyossl::expect::shell::readable
    puts "pyossl::expect [package provide pyossl], [::pyossl::version], Tcl\
	    [info patchlevel]\nhelp lists the commands; Ctrl-C ends a wait,\
	    Ctrl-D the program"
    while {1} {
	FreshLine
	set ::pyossl::expect::lineedit::prompt [Prompt]
	lassign [::pyossl::expect::lineedit::get] how text
	switch -- $how {
	    end {
		return 0
	    }
	    line {
		if {[catch {Recall $text} text]} {
		    print [Coloured error [OneLine $text]]
		    continue
		}
		rememberLine $text
		run $text
	    }
	}
    }
}

# The prompt says which endpoint is meant without -i.
proc ::pyossl::expect::shell::Prompt {} {
    variable child
    set name pyossl
    catch {
	interp eval $child {
	    if {$::spawn_id in [::pyossl::expect::spawned]} {
		set ::spawn_id
	    } else {
		error none
	    }
	}
    } id info
    if {[dict get $info -code] == 0} {
	set name $id
    }
    return "[Coloured prompt $name>] "
}

proc ::pyossl::expect::shell::Coloured {class text} {
    if {[::pyossl::expect::terminal::colours stdout]} {
	return [::pyossl::expect::terminal::colour $class $text]
    }
    return $text
}

# The interpreter for the user's commands, in which all that touches the
# terminal goes through this one.
proc ::pyossl::expect::shell::makeChild {} {
    set child [interp create]
    interp eval $child [list set ::auto_path $::auto_path]
    interp eval $child [list set ::argv0 pyosslsh]
    interp eval $child {set ::argv {}; set ::argc 0; set ::tcl_interactive 1}
    interp eval $child "package require pyossl::expect; [Import]"
    foreach file {live.tcl complete.tcl exec.tcl} {
	interp eval $child [list ::pyossl::expect::Load $file]
    }
    foreach {name target} {
	::exit				shell::leave
	::history			history
	::why				why
	::pyossl::expect::history	history
	::pyossl::expect::why		why
	::pyossl::expect::terminal::borrow	shell::borrow
	::pyossl::expect::terminal::giveback	shell::giveback
	::pyossl::expect::terminal::stty	terminal::stty
	::pyossl::expect::shell::print	shell::print
	::pyossl::expect::shell::around	shell::around
	::pyossl::expect::shell::typed	shell::typed
	::pyossl::expect::shell::background	shell::background
    } {
	interp alias $child $name {} ::pyossl::expect::$target
    }
    interp eval $child {
	namespace import -force ::pyossl::expect::help ::pyossl::expect::live
	set ::pyossl::expect::live::writer ::pyossl::expect::shell::print
	# What is received is in the live lines already.
	log_user 0
	live on
	rename ::puts ::pyossl::expect::shell::puts
	proc ::puts {args} {
	    set rest $args
	    set end \n
	    if {[lindex $rest 0] eq "-nonewline" && [llength $rest] > 1} {
		set rest [lrange $rest 1 end]
		set end ""
	    }
	    if {[llength $rest] == 2 && [lindex $rest 0] in {stdout stderr}} {
		set rest [lrange $rest 1 end]
	    }
	    if {[llength $rest] == 1} {
		::pyossl::expect::shell::print [lindex $rest 0] $end
		return
	    }
	    tailcall ::pyossl::expect::shell::puts {*}$args
	}
	::pyossl::expect::exec::Install
	interp bgerror {} ::pyossl::expect::shell::background
    }
    return $child
}

# An error in the background is a line like any other.
proc ::pyossl::expect::shell::background {message info} {
    if {[lrange [dict get $info -errorcode] 0 1] eq {TCL CANCEL}} {
	# Ctrl-C was meant for the command, and has hit an event handler that
	# was at work in it.
	after 1 ::pyossl::expect::shell::interrupt
	return
    }
    variable lastError [dict get $info -errorinfo]
    print [Coloured error "in the background: [OneLine $message]"]
}

proc ::pyossl::expect::shell::OneLine {text} {
    return [string trim [regsub -all {\s*\n\s*} $text " "]]
}

# Runs a command, and shows its result or its error, that in one line.
proc ::pyossl::expect::shell::run {command} {
    variable child
    variable busy
    variable lastError
    # Ctrl-C may have been typed ahead, together with the command.
    set ahead $::pyossl::expect::lineedit::keys
    set interrupt [string last \x03 $ahead]
    if {$interrupt >= 0} {
	set ::pyossl::expect::lineedit::keys [string range $ahead $interrupt+1 end]
	print [Coloured error interrupted]
	return
    }
    set ::pyossl::expect::lineedit::keys [Stops $ahead]
    set busy 1
    limit
    try {
	set code [catch {interp eval $child $command} result info]
    } finally {
	interp limit $child time -seconds {} -command {}
	set busy 0
    }
    FreshLine
    if {[lindex [dict get [dict merge {-errorcode NONE} $info] -errorcode] 1] eq "CANCEL"} {
	print [Coloured error interrupted]
    } elseif {$code == 1} {
	set lastError [regsub {\n    invoked from within\n"interp eval [^\n]*"$} \
		[dict get $info -errorinfo] ""]
	interp eval $child [list set ::errorInfo $lastError]
	interp eval $child [list set ::errorCode [dict get $info -errorcode]]
	print [Coloured error [OneLine $result]]
    } elseif {$result ne ""} {
	print $result
    }
}

# shell::print text ?end? -- prints what the child has to say, above the line
# that is being edited if there is one.
proc ::pyossl::expect::shell::print {text {end \n}} {
    variable busy
    variable column0
    if {$busy || !$::pyossl::expect::lineedit::active} {
	append text $end
	if {$text ne ""} {
	    set column0 [expr {[string index $text end] eq "\n"}]
	}
	::pyossl::expect::Tolerantly stdout {
	    puts -nonewline $text
	    flush stdout
	}
    } else {
	::pyossl::expect::lineedit::above [string trimright $text \n]
    }
}

# What a command has printed without a line end must not be wiped off by what
# comes next, the prompt or the result.
proc ::pyossl::expect::shell::FreshLine {} {
    variable column0
    if {!$column0} {
	print ""
    }
}

# why --
#	At the prompt: the last error, with the commands that led to it.
# Results:
#	What Tcl calls errorInfo.
proc ::pyossl::expect::why {} {
    return $shell::lastError
}

#------------------------------------------------------------------------
# Keys, and Ctrl-C
#------------------------------------------------------------------------

# There is something to read from the terminal.
proc ::pyossl::expect::shell::readable {} {
    # The terminal stays blocking, since standard output is the same open
    # file: what is there comes at once, and no more is asked for.
    ::pyossl::expect::Tolerantly stdin {
	set typed [read stdin 1]
	while {[chan pending input stdin] > 0} {
	    append typed [read stdin 1]
	}
    }
    if {$typed eq ""} {
	if {[eof stdin]} {
	    fileevent stdin readable {}
	    hangup
	}
	return
    }
    typed $typed
}

# The terminal is gone.
proc ::pyossl::expect::shell::hangup {} {
    variable busy
    if {$busy} {
	leave 1
    }
    ::pyossl::expect::lineedit::hangup
}

# Gives keys to the editor.  While a command runs, Ctrl-C ends it and what was
# typed before that is void, and Ctrl-Z stops the program; the rest waits for the
# next prompt.
proc ::pyossl::expect::shell::typed {characters} {
    variable busy
    if {$busy} {
	set interrupt [string last \x03 $characters]
	if {$interrupt >= 0} {
	    set characters [string range $characters $interrupt+1 end]
	    set ::pyossl::expect::lineedit::keys ""
	    interrupt
	}
	set characters [Stops $characters]
    }
    ::pyossl::expect::lineedit::feed $characters
}

# Stops the program where Ctrl-Z is among the keys; returns the others.
proc ::pyossl::expect::shell::Stops {characters} {
    if {[string first \x1a $characters] >= 0} {
	suspend
    }
    return [string map {\x1a {}} $characters]
}

# Ends the command that is running.
proc ::pyossl::expect::shell::interrupt {} {
    variable busy
    variable child
    if {$busy} {
	interp cancel $child interrupted
    }
}

# Lets a command run for a moment more, see [lookAtKeys].
proc ::pyossl::expect::shell::limit {} {
    variable child
    variable checkEvery
    set end [expr {[clock milliseconds] + $checkEvery}]
    interp limit $child time -seconds [expr {$end / 1000}] \
	    -milliseconds [expr {$end % 1000}] \
	    -command ::pyossl::expect::shell::lookAtKeys
}

# The time limit of a command is over, which only means that it is time to look
# whether the user has pressed Ctrl-C: the command may not run its events.
proc ::pyossl::expect::shell::lookAtKeys {} {
    variable borrowed
    limit
    if {$borrowed} {
	return
    }
    fconfigure stdin -blocking 0
    try {
	::pyossl::expect::Tolerantly stdin {set typed [read stdin]}
    } finally {
	fconfigure stdin -blocking 1
    }
    if {$typed ne ""} {
	typed $typed
    }
}

# A command of the user's wants the keys for itself.  It gets those that were
# typed ahead, too.
proc ::pyossl::expect::shell::borrow {} {
    variable borrowed
    incr borrowed
    fileevent stdin readable {}
    set keys $::pyossl::expect::lineedit::keys
    set ::pyossl::expect::lineedit::keys ""
    return $keys
}

proc ::pyossl::expect::shell::giveback {} {
    variable borrowed
    if {[incr borrowed -1] == 0} {
	fileevent stdin readable ::pyossl::expect::shell::readable
    }
}

# The terminal's modes around a program that uses it.
proc ::pyossl::expect::shell::around {what} {
    ::pyossl::expect::terminal::$what
}

# Ctrl-Z: the program stops, as others do, and goes on with the same modes.
proc ::pyossl::expect::shell::suspend {} {
    ::pyossl::expect::terminal::restore
    puts ""
    catch {exec sh -c "kill -TSTP [pid]"}
    ::pyossl::expect::terminal::keys
}

proc ::pyossl::expect::shell::complete {text} {
    variable child
    return [interp eval $child [list ::pyossl::expect::complete::line $text]]
}

#------------------------------------------------------------------------
# History
#------------------------------------------------------------------------

# history ?count? --
#	At the prompt: the commands that were typed, the last ones if there is a
#	count.  They are kept in ~/.pyosslsh_history; one that begins with a
#	space is not.
proc ::pyossl::expect::history {args} {
    if {[llength $args] > 1 || [llength $args]
	    && ![string is integer -strict [lindex $args 0]]} {
	return -code error -errorcode {TCL WRONGARGS} \
		"wrong # args: should be \"history ?count?\""
    }
    set list $lineedit::history
    set first 0
    if {[llength $args]} {
	set first [expr {max(0, [llength $list] - [lindex $args 0])}]
    }
    set lines {}
    for {set i $first} {$i < [llength $list]} {incr i} {
	lappend lines [format "%5d  %s" [expr {$i + 1}] \
		[string map {\n "\n       "} [lindex $list $i]]]
    }
    return [join $lines \n]
}

proc ::pyossl::expect::shell::HistoryFile {} {
    if {[info exists ::env(PYOSSLSH_HISTORY)]} {
	return $::env(PYOSSLSH_HISTORY)
    }
    if {[info exists ::env(HOME)] && $::env(HOME) ne ""} {
	return [file join $::env(HOME) .pyosslsh_history]
    }
    return ""
}

# Reads the file, and writes it anew where it has become long.  A history that
# cannot be read is an empty one.
proc ::pyossl::expect::shell::loadHistory {} {
    variable historyFile
    variable historyLimit
    if {$historyFile eq "" || [catch {open $historyFile} channel]} {
	return
    }
    fconfigure $channel -encoding utf-8
    ::pyossl::expect::Tolerantly $channel {set text [read $channel]}
    close $channel
    set lines [split [string trimright $text \n] \n]
    set keep [lrange $lines end-[expr {$historyLimit - 1}] end]
    foreach line $keep {
	::pyossl::expect::lineedit::remember [string map {\\\\ \\ \\n \n} $line]
    }
    if {[llength $lines] > 2 * $historyLimit} {
	writeHistory {WRONLY CREAT TRUNC} $keep
    }
}

# shell::Recall text --
#	What a line means that begins with !!, !NUMBER or !TEXT, or is ^OLD^NEW: a
#	command of the history, with what follows.  Tcl does that in [unknown], by
#	a history of its own.
# Results:
#	The command, which is shown; any other line as it is.
# Errors:
#	for a command that there is not, or that has no OLD
proc ::pyossl::expect::shell::Recall {text} {
    variable child
    upvar 0 ::pyossl::expect::lineedit::history history
    if {[regexp {^\s*\^([^^]+)\^([^^]*)\^?\s*$} $text - old new]} {
	set found [lindex $history end]
	set at [string first $old $found]
	if {$at < 0} {
	    # It must not be run as it is.
	    error "there is no \"$old\" in the last command: $text"
	}
	set found [string replace $found $at \
		[expr {$at + [string length $old] - 1}] $new]
    } elseif {[regexp {^\s*(!(\S+))(.*)$} $text - word wanted rest]
	    && [interp eval $child [list namespace which -command $word]] eq ""} {
	if {$wanted eq "!"} {
	    set found [lindex $history end]
	} elseif {[string is integer -strict $wanted]} {
	    set found [lindex $history [expr {$wanted > 0 ? $wanted - 1
		    : [llength $history] + $wanted}]]
	} else {
	    set found ""
	    foreach line $history {
		if {[string equal -length [string length $wanted] $wanted $line]} {
		    set found $line
		}
	    }
	}
	if {$found ne ""} {
	    append found $rest
	}
    } else {
	return $text
    }
    if {$found eq ""} {
	error "there is no such command in the history: $text"
    }
    print $found
    return $found
}

# Takes a command into the history.
proc ::pyossl::expect::shell::rememberLine {text} {
    if {[string index $text 0] eq " "
	    || ![::pyossl::expect::lineedit::remember $text]} {
	return
    }
    writeHistory {WRONLY CREAT APPEND} [list [string map {\\ \\\\ \n \\n} $text]]
}

# Nobody else may read it: there may be passwords in it.
proc ::pyossl::expect::shell::writeHistory {access lines} {
    variable historyFile
    if {$historyFile eq "" || [catch {open $historyFile $access 0o600} channel]} {
	return
    }
    try {
	fconfigure $channel -encoding utf-8
	::pyossl::expect::Tolerantly $channel {puts $channel [join $lines \n]}
    } finally {
	close $channel
    }
}
