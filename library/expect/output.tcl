# output.tcl --
#
#	What goes to the terminal and to the log file: log_user, log_file,
#	exp_internal, and match_max beside them.
#
#	As in Expect, what a script receives is shown on the standard output
#	unless log_user is off, and goes to the log file if there is one;
#	with -a also where log_user is off.

namespace eval ::pyossl::expect {
    variable logUser 1
    variable lastShown \n	;# the last character that was shown
    variable logFile {channel {} own 0 raw 0 all 0 words {}}
    variable internal {on 0 channel {} words 0}
    variable matchMax 2000
}

# log_user ?-info|0|1? --
#	Whether what is received is shown on the standard output.
# Results:
#	The state it had before; the present one with -info or without argument.
# Source:
#	log_user of expect(1)
proc ::pyossl::expect::log_user {args} {
    variable logUser
    if {[llength $args] > 1} {
	return -code error -errorcode {TCL WRONGARGS} \
	    "wrong # args: should be \"log_user ?-info|0|1?\""
    }
    set old $logUser
    set value [lindex $args 0]
    if {$value in {{} -info}} {
	return $old
    }
    if {![Switch $value]} {
	return -code error -errorcode {PYOSSL EXPECT VALUE} \
	    "log_user must be 0 or 1, not \"$value\""
    }
    set logUser [expr {bool($value)}]
    return $old
}

# Does a value switch something on or off? As Tcl's C code, Expect takes any
# number for a boolean.
proc ::pyossl::expect::Switch {value} {
    return [expr {[string is boolean -strict $value] || [Finite $value]}]
}

# log_file ?-a? ?-noappend? ?-open|-leaveopen channel? ?file? --
#	From now on what is received also goes into a file, at its end. Without
#	arguments it ends.
# Arguments:
#	-a		also what log_user keeps off the terminal.
#	-noappend	the file begins anew.
#	-open channel	into this channel, which is closed with the log;
#			-leaveopen leaves it open.
#	-info		the arguments that are in force, as the result.
# Errors:
#	POSIX for a file that cannot be opened; PYOSSL EXPECT VALUE
# Source:
#	log_file of expect(1)
proc ::pyossl::expect::log_file {args} {
    variable logFile
    if {$args eq "-info"} {
	return [dict get $logFile words]
    }
    set words $args
    set all 0
    set mode a
    set channel ""
    set own 1
    while {[string match -* [lindex $args 0]]} {
	set args [lassign $args flag]
	switch -- $flag {
	    -a { set all 1 }
	    -noappend { set mode w }
	    -open - -leaveopen {
		set own [expr {$flag eq "-open"}]
		if {[llength $args] == 0} {
		    return -code error -errorcode {TCL WRONGARGS} \
			"wrong # args: should be \"log_file $flag channel\""
		}
		set args [lassign $args channel]
	    }
	    default {
		return -code error -errorcode \
		    [list TCL LOOKUP INDEX flag $flag] "bad flag \"$flag\":\
		    must be -a, -info, -leaveopen, -noappend or -open"
	    }
	}
    }
    if {[llength $args] + ($channel ne "") > 1} {
	return -code error -errorcode {PYOSSL EXPECT VALUE} \
	    "log_file takes one file or channel"
    }
    if {$channel ne "" && (![llength [chan names $channel]]
	    || [catch {chan pending output $channel}])} {
	return -code error -errorcode [list PYOSSL EXPECT VALUE $channel] \
	    "\"$channel\" is no channel that can be written to"
    }
    if {[llength $args]} {
	set channel [open [lindex $args 0] $mode]
	chan configure $channel -buffering none -translation binary
    }
    LogFileEnd
    if {$channel ne ""} {
	set logFile [dict create channel $channel own $own \
	    raw [expr {[llength $args] > 0}] all $all words $words]
    }
    return
}

# Closes the log file, if there is one.
proc ::pyossl::expect::LogFileEnd {} {
    variable logFile
    if {[dict get $logFile own]} {
	catch {close [dict get $logFile channel]}
    }
    set logFile {channel {} own 0 raw 0 all 0 words {}}
}

# exp_internal ?-f file? 0|1, exp_internal -info --
#	Whether each attempt to match is told on the standard error output; with
#	-f into a file as well.
# Source:
#	exp_internal of expect(1)
proc ::pyossl::expect::exp_internal {args} {
    variable internal
    if {$args eq "-info"} {
	return [dict get $internal words]
    }
    set words $args
    set channel ""
    if {[lindex $args 0] eq "-f" && [llength $args] == 3} {
	set channel [open [lindex $args 1] a]
	chan configure $channel -buffering none
	set args [lrange $args 2 end]
    }
    if {[llength $args] != 1 || ![Switch [lindex $args 0]]} {
	if {$channel ne ""} {
	    close $channel
	}
	return -code error -errorcode {TCL WRONGARGS} \
	    "wrong # args: should be \"exp_internal ?-f file? 0|1\" or\
	    \"exp_internal -info\""
    }
    if {[dict get $internal channel] ne ""} {
	close [dict get $internal channel]
    }
    set internal [dict create on [expr {bool([lindex $args 0])}] \
	channel $channel words $words]
    return
}

# Internal text -- a line of diagnostics, where they are wanted.
proc ::pyossl::expect::Internal {text} {
    variable internal
    if {[dict get $internal on]} {
	puts -nonewline stderr $text
    }
    if {[dict get $internal channel] ne ""} {
	set channel [dict get $internal channel]
	Tolerantly $channel {puts -nonewline $channel $text}
    }
}

# Internals -- 1 if diagnostics are wanted at all.
proc ::pyossl::expect::Internals {} {
    variable internal
    return [expr {[dict get $internal on]
	|| [dict get $internal channel] ne ""}]
}

# Tolerantly channel script --
#	Runs a script that reads from a channel or writes to it. What the channel's
#	encoding has no bytes for is written as a question mark, and bytes that are
#	no text are read as a character each. Tcl 8.6 knows nothing else; in Tcl 9
#	it would be an error, by which a keystroke or an answer ends all.
proc ::pyossl::expect::Tolerantly {channel script} {
    if {![package vsatisfies [package provide Tcl] 9.0-]} {
	return [uplevel 1 $script]
    }
    set profile [chan configure $channel -profile]
    chan configure $channel -profile tcl8
    try {
	uplevel 1 $script
    } finally {
	catch {chan configure $channel -profile $profile}
    }
}

# Log text bytes -- to the log file: the bytes that have come if it is a file;
# a channel of the script's has an encoding of its own.
proc ::pyossl::expect::Log {text bytes} {
    variable logFile
    set channel [dict get $logFile channel]
    if {[dict get $logFile raw]} {
	set text $bytes
    }
    Tolerantly $channel {
	puts -nonewline $channel $text
	flush $channel
    }
}

# Show text bytes -- what was received goes to the terminal and the log file.
proc ::pyossl::expect::Show {text bytes} {
    variable logUser
    variable logFile
    variable lastShown
    if {$logUser && $text ne ""} {
	set lastShown [string index $text end]
	catch {
	    Tolerantly stdout {
		puts -nonewline stdout $text
		flush stdout
	    }
	}
    }
    if {[dict get $logFile channel] ne "" && ($logUser || [dict get $logFile all])} {
	catch {Log $text $bytes}
    }
}

# match_max ?-d? ?-i id? ?size? --
#	How many characters patterns are tried on; those before them are
#	forgotten.
# Arguments:
#	-d	the size that endpoints get from now on.
# Results:
#	Without a size the one in force.
# Errors:
#	PYOSSL EXPECT VALUE for what is no positive integer.
# Source:
#	match_max of expect(1)
proc ::pyossl::expect::match_max {args} {
    variable matchMax
    set usage "match_max ?-d? ?-i id? ?size?"
    set default 0
    if {[lindex $args 0] eq "-d"} {
	set default 1
	set args [lrange $args 1 end]
    } else {
	set id [TakeId args $usage]
	endpoint::Check $id 1
	upvar #0 ::pyossl::expect::endpoint::data::$id e
    }
    if {[llength $args] > 1} {
	return -code error -errorcode {TCL WRONGARGS} \
	    "wrong # args: should be \"$usage\""
    }
    if {[llength $args] == 0} {
	return [expr {$default ? $matchMax : $e(max)}]
    }
    set size [lindex $args 0]
    if {![string is wideinteger -strict $size] || $size <= 0} {
	return -code error -errorcode {PYOSSL EXPECT VALUE} \
	    "the size must be a positive integer, not \"$size\""
    }
    if {$default} {
	set matchMax $size
    } else {
	set e(max) $size
    }
    return
}
