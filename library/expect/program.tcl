# program.tcl --
#
#	Outside programs as endpoints: their input and both their outputs are
#	pipes, and their text is expected as that of a connection.

namespace eval ::pyossl::expect::program {
    variable watched 0	;# is the exit of the process looked out for?
}

# program::spawn words --
#	spawn program ?-encoding NAME? COMMAND ?arg ...?
# Errors:
#	POSIX for a program that is not there.
proc ::pyossl::expect::program::spawn {words} {
    set encoding [encoding system]
    if {[lindex $words 0] eq "-encoding"} {
	lassign [::pyossl::expect::SpawnOptions [lrange $words 0 1] \
	    -encoding] options
	set encoding [dict get $options -encoding]
	set words [lrange $words 2 end]
    }
    if {[llength $words] == 0} {
	return -code error -level 2 -errorcode {TCL WRONGARGS} \
	    "wrong # args: should be\
	    \"spawn program ?-encoding name? command ?arg ...?\""
    }
    set port ""
    if {[string first %port% $words] >= 0} {
	set port [FreePort]
	set words [lmap word $words {string map [list %port% $port] $word}]
    }
    Watch
    # exec would take some words for its own; a program gets them as they are.
    set channel [open |[list {*}[Guarded $words] 2>@1] r+]
    set id [::pyossl::expect::endpoint::New program \
	::pyossl::expect::program channel $channel command $words \
	link pipe state running encoding $encoding pids [pid $channel] \
	pid [lindex [pid $channel] 0]]
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {$port ne ""} {
	set e(port) $port
    }
    chan configure $channel -blocking 0 -buffering none -translation binary
    chan event $channel readable \
	[list ::pyossl::expect::program::Readable $id]
    return $id
}

# Words that open takes for redirections cannot be given to a program but by
# a shell in between.
proc ::pyossl::expect::program::Guarded {words} {
    set odd 0
    foreach word $words {
	if {[regexp {^(\||\|&|&|[0-9]*[<>].*)$} $word]} {
	    set odd 1
	}
    }
    if {!$odd} {
	return $words
    }
    set script exec
    foreach word $words {
	append script " '[string map {' '\\''} $word]'"
    }
    return [list sh -c $script]
}

# A port that was free a moment ago. The program asks for it by number, later:
# so it is none of those that a system gives to whoever asks for any, which
# somebody else might be given meanwhile.
proc ::pyossl::expect::program::FreePort {} {
    for {set n 0} {$n < 200} {incr n} {
	set port [expr {20000 + int(rand() * 12000)}]
	if {![catch {::socket -server list -myaddr 127.0.0.1 $port} channel]} {
	    close $channel
	    return $port
	}
    }
    # Nearly all are taken; then one of the system's is better than none.
    set channel [::socket -server list -myaddr 127.0.0.1 0]
    set port [lindex [chan configure $channel -sockname] 2]
    close $channel
    return $port
}

# Output of the program, or its end.
proc ::pyossl::expect::program::Readable {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    # What could not be written in the background is told by the next read,
    # once; the program may have more to say after it took no more input.
    set broken [expr {[catch {read $e(channel) 65536} bytes]
	    && [catch {read $e(channel) 65536} bytes]}]
    if {$broken} {
	set bytes ""
    }
    if {[string length $bytes]} {
	::pyossl::expect::Received $id $bytes
    }
    if {$broken || [eof $e(channel)]} {
	chan event $e(channel) readable {}
	::pyossl::expect::ReceivedAll $id
	set e(eof) 1
	::pyossl::expect::event::add $id \
	    [dict create kind closed from peer how clean]
    }
}

proc ::pyossl::expect::program::Data {id bytes} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    ::pyossl::expect::event::add $id \
	[dict create kind data from self bytes $bytes]
    Inject $id $bytes
}

proc ::pyossl::expect::program::Inject {id bytes} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {[info exists e(finished)] || $e(eof)
	    || [catch {puts -nonewline $e(channel) $bytes}]} {
	return -code error -level 2 -errorcode \
	    [list PYOSSL EXPECT NOTOPEN $id] \
	    "send: spawn id $id not open"
    }
}

# Waits for the program's end.
proc ::pyossl::expect::program::Wait {id nowait} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {![info exists e(result)] && !$nowait} {
	::pyossl::expect::Until $id {$e(eof)} -1
	Reap $id
	Waited $id
    }
    if {![info exists e(result)]} {
	return [list $e(pid) $id 0 0]
    }
    return [list $e(pid) $id 0 {*}$e(result)]
}

# A program that was waited for is closed: there is nothing left of it but what
# it has said, and the memory of it, of which there is not more than that of
# others. Its text is still there for an expect.
proc ::pyossl::expect::program::Waited {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    set seen $e(eofseen)
    set e(waited) 1
    ::pyossl::expect::endpoint::Closed $id
    if {[info exists e(kind)]} {
	set e(eofseen) $seen
	set e(state) ended
    }
}

# Takes the exit status; the outputs have ended.
proc ::pyossl::expect::program::Reap {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {[info exists e(result)]} {
	return
    }
    set e(result) 0
    chan configure $e(channel) -blocking 1
    if {[catch {close $e(channel)} message info]} {
	set code [dict get $info -errorcode]
	switch -- [lindex $code 0] {
	    CHILDSTATUS {
		set e(result) [lindex $code 2]
	    }
	    CHILDKILLED {
		set e(result) [list 0 CHILDKILLED {*}[lrange $code 2 3]]
	    }
	}
    }
    unset e(channel)
    set e(status) [lindex $e(result) 0]
    set e(state) ended
    ::pyossl::expect::event::add $id \
	[dict create kind exit status $e(result)]
}

# exp_close: the program's input ends, and it is hung up on, with all that it has
# started, as a terminal would do; what does not care is killed two seconds
# later.
proc ::pyossl::expect::program::Close {id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {[info exists e(result)]} {
	return
    }
    ::pyossl::expect::transport::Finish $id
    foreach signal {HUP KILL} {
	if {!$e(eof)} {
	    Hit $signal $e(pids)
	    ::pyossl::expect::Until $id {$e(eof)} 2
	}
    }
    if {$e(eof)} {
	# It may have closed its outputs and live on.
	for {set n 0} {$n < 100 && [Alive $e(pids)]} {incr n} {
	    if {$n == 5} {
		Hit HUP $e(pids)
	    }
	    ::pyossl::expect::Pause 0.02
	}
	if {$n == 100} {
	    Hit KILL $e(pids)
	}
	Reap $id
    } elseif {[info exists e(channel)]} {
	# Somebody else still has its outputs; nobody waits for that.
	chan event $e(channel) readable {}
	close $e(channel)
	unset e(channel)
	set e(result) {0 CHILDKILLED SIGKILL {kill signal}}
    }
}

# Is one of the processes more than an exit status that nobody has taken yet?
# Only Linux tells; elsewhere they are taken for dead.
proc ::pyossl::expect::program::Alive {pids} {
    set alive 0
    foreach pid $pids {
	catch {
	    if {[lindex [Stat /proc/$pid/stat] 0] ni {Z X}} {
		set alive 1
	    }
	}
    }
    return $alive
}

# What Linux tells of a process behind its name; an error if that has ended. The
# name, in parentheses, may hold anything, also what is no text.
proc ::pyossl::expect::program::Stat {path} {
    set channel [open $path rb]
    try {
	set text [read $channel]
    } finally {
	close $channel
    }
    return [string range $text [string last ) $text]+1 end]
}

# Processes with all that descend from them.
proc ::pyossl::expect::program::Family {pids} {
    set children {}
    set files [glob -nocomplain /proc/\[0-9\]*/stat]
    if {[llength $files]} {
	# Linux tells in files, which costs no program, and there may be none.
	foreach path $files {
	    catch {
		lassign [Stat $path] - parent
		dict lappend children $parent [lindex [file split $path] 2]
	    }
	}
    } else {
	catch {
	    foreach line [split [exec ps -A -o pid=,ppid= 2>@1] \n] {
		lassign $line pid parent
		dict lappend children $parent $pid
	    }
	}
    }
    for {set n 0} {$n < [llength $pids]} {incr n} {
	if {[dict exists $children [lindex $pids $n]]} {
	    lappend pids {*}[dict get $children [lindex $pids $n]]
	}
    }
    return $pids
}

# A signal for processes and all that descend from them. They are halted first:
# one that starts another just now would leave an orphan behind that nobody
# finds. Returns all of them.
proc ::pyossl::expect::program::Hit {signal pids} {
    if {$::tcl_platform(platform) eq "windows"} {
	Kill $signal $pids
	return $pids
    }
    set family $pids
    for {set n 0} {$n < 5} {incr n} {
	Kill STOP $family
	set before $family
	set family [Family $pids]
	if {[llength $family] == [llength $before]} {
	    break
	}
    }
    Kill $signal $family
    Kill CONT $family
    return $family
}

proc ::pyossl::expect::program::Kill {signal pids} {
    if {$::tcl_platform(platform) eq "windows"} {
	foreach pid $pids {
	    # Wine's does not know /T.
	    if {[catch {exec taskkill /F /T /PID $pid 2>@1}]} {
		catch {exec taskkill /F /PID $pid 2>@1}
	    }
	}
    } else {
	# The shell's own: a small Debian has no program kill.
	catch {exec sh -c {kill -s "$@"} sh $signal {*}$pids 2>@1}
    }
}

# Programs do not outlive the process, however it ends: that of Tcl's own shell
# calls exit at the end of a script and after its error, too.
proc ::pyossl::expect::program::Watch {} {
    variable watched
    if {!$watched} {
	set watched 1
	catch {
	    trace add execution ::exit enter ::pyossl::expect::program::Leave
	}
    }
}

proc ::pyossl::expect::program::Leave {args} {
    catch HangUp
}

# program::HangUp --
#	Hangs up on all programs that this interpreter has, and kills those who
#	do not mind. Nobody is left to serve events, and none are served.
proc ::pyossl::expect::program::HangUp {} {
    set told [file exists /proc/self/stat]
    set pids {}
    foreach id [::pyossl::expect::endpoint::known] {
	upvar #0 ::pyossl::expect::endpoint::data::$id e
	if {$e(type) eq "::pyossl::expect::program" && ![info exists e(result)]
		&& (!$told || [Alive $e(pids)])} {
	    lappend pids {*}$e(pids)
	}
    }
    if {![llength $pids]} {
	return
    }
    set family [Hit HUP $pids]
    for {set n 0} {$n < 50 && (!$told && $n < 10 || [Alive $family])} {incr n} {
	after 20
    }
    if {!$told || [Alive $family]} {
	Hit KILL $family
    }
}

proc ::pyossl::expect::program::Facts {id key} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    set facts {}
    foreach name {channel pids status} {
	if {[info exists e($name)]} {
	    dict set facts $name $e($name)
	}
    }
    return $facts
}
