# bridge.tcl --
#
#	Run by runtests.sh on the Unix side, while the test suite runs under Wine:
#	starts programs for it, each asked for by a bridge.exe (see bridge.c) on
#	a connection of its own.
#
#	tclsh bridge.tcl PORTFILE
#
#	writes its port to that file, and serves until it is killed. It does nothing
#	for those who do not say $PYOSSL_BRIDGE_KEY.
#
#	Paths of Windows among the arguments become the Unix side's, and those of
#	drive C in the output become Windows' again.

# Whatever the locale: the words come in UTF-8, and go to programs so.
encoding system utf-8

namespace eval bridge {
    variable running		;# channel -> dict: input pipe errors open
    array set running {}
}

# A word with the paths in it as the Unix side has them.
proc bridge::translate {word} {
    if {[regexp {\m[CcZz]:[/\\]} $word]} {
	set word [string map [list \\ /] $word]
	set word [regsub -all {\m[Cc]:/} $word $::env(WINEPREFIX)/drive_c/]
	set word [regsub -all {\m[Zz]:/} $word /]
    }
    return $word
}

# And what a program says of drive C: as the tests know it.
proc bridge::translateBack {data} {
    return [string map [list $::env(WINEPREFIX)/drive_c/ C:/] $data]
}

proc bridge::accept {channel args} {
    variable running
    fconfigure $channel -blocking 0 -translation binary -buffering none
    set running($channel) [dict create state new input "" \
	    pipe "" errors "" open 2]
    fileevent $channel readable [list bridge::receive $channel]
}

# Something from a bridge.exe, or its end, which comes last: who closed a
# connection with input that nobody has read would reset it, and what was said
# before might get lost.
proc bridge::receive {channel} {
    variable running
    if {[catch {read $channel} data]} {
	set data ""
    }
    dict append running($channel) input $data
    switch -- [dict get $running($channel) state] {
	new {
	    begin $channel
	}
	ended {
	    dict set running($channel) input ""
	}
    }
    pass $channel
    if {[eof $channel]} {
	abandon $channel
    }
}

# Starts the program as soon as all the words are there.
proc bridge::begin {channel} {
    variable running
    set input [dict get $running($channel) input]
    if {![binary scan $input I count]} {
	return
    }
    set at 4
    set words {}
    while {[llength $words] < $count} {
	if {![binary scan $input @${at}I length]
		|| [string length $input] < $at + 4 + $length} {
	    return
	}
	set bytes [string range $input $at+4 [expr {$at + 3 + $length}]]
	lappend words [translate [encoding convertfrom utf-8 $bytes]]
	incr at [expr {4 + $length}]
    }
    set words [lassign $words key]
    dict set running($channel) input [string range $input $at end]
    if {$key ne $::env(PYOSSL_BRIDGE_KEY)} {
	finish $channel 126
    } elseif {[catch {start $channel {*}$words} message]} {
	send $channel E "bridge: $message\n"
	finish $channel 127
    }
}

# In a session of its own, so that all of it can be killed.
proc bridge::start {channel folder args} {
    variable running
    set script exec
    foreach word $args {
	append script " '[string map {' '\\''} $word]'"
    }
    lassign [chan pipe] errors errorsOut
    cd $folder
    set pipe [open |[list setsid sh -c $script 2>@ $errorsOut] r+]
    close $errorsOut
    cd /
    dict set running($channel) state running
    dict set running($channel) pipe $pipe
    dict set running($channel) errors $errors
    foreach {from kind} [list $pipe O $errors E] {
	fconfigure $from -blocking 0 -translation binary -buffering none
	fileevent $from readable [list bridge::output $channel $from $kind]
    }
}

# Passes complete frames of input on.
proc bridge::pass {channel} {
    variable running
    set pipe [dict get $running($channel) pipe]
    while {$pipe ne ""} {
	set input [dict get $running($channel) input]
	if {[binary scan $input aI - length] < 2
		|| [string length $input] < 5 + $length} {
	    return
	}
	dict set running($channel) input [string range $input [expr {5 + $length}] end]
	if {$length == 0} {
	    catch {close $pipe write}
	} else {
	    catch {puts -nonewline $pipe [string range $input 5 [expr {4 + $length}]]}
	}
    }
}

# Output of the program; after the end of both there is a status.
proc bridge::output {channel from kind} {
    variable running
    set data [read $from 65536]
    if {$data ne ""} {
	send $channel $kind [translateBack $data]
    }
    if {![eof $from]} {
	return
    }
    fileevent $from readable {}
    dict incr running($channel) open -1
    if {[dict get $running($channel) open] == 0} {
	set status 0
	set pipe [dict get $running($channel) pipe]
	fconfigure $pipe -blocking 1
	if {[catch {close $pipe} message info]} {
	    set code [dict get $info -errorcode]
	    set status [expr {[lindex $code 0] eq "CHILDSTATUS"
		    ? [lindex $code 2] : 128}]
	}
	close [dict get $running($channel) errors]
	finish $channel $status
    }
}

proc bridge::send {channel kind data} {
    catch {
	puts -nonewline $channel \
		[binary format aI $kind [string length $data]]$data
    }
}

# Tells how the program has ended.
proc bridge::finish {channel status} {
    variable running
    send $channel X $status
    dict set running($channel) state ended
    dict set running($channel) pipe ""
}

# Nobody is there any more who would want the program.
proc bridge::abandon {channel} {
    variable running
    set pipe [dict get $running($channel) pipe]
    if {$pipe ne ""} {
	foreach pid [pid $pipe] {
	    catch {exec sh -c "kill -s KILL -- -$pid" 2>@1}
	}
	catch {close $pipe}
	catch {close [dict get $running($channel) errors]}
    }
    unset running($channel)
    catch {close $channel}
}

proc bridge::main {portFile} {
    set listener [socket -server bridge::accept -myaddr 127.0.0.1 0]
    set channel [open $portFile.new w]
    puts $channel [lindex [fconfigure $listener -sockname] 2]
    close $channel
    file rename $portFile.new $portFile
    vwait forever
}
bridge::main {*}$argv
