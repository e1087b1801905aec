# check.tcl --
#
#	The commands check, fail, skip and constraint: one protocol test, and
#	what becomes of it.  report.tcl writes the results down.
#
#	check runs its script in the caller's scope, watches which endpoints it
#	opens, and turns whatever ends the script into one dict:
#
#	    name result text seconds file line at seen transcript
#
#	The command expect asks ::pyossl::expect::check::active whether it runs
#	inside of a check; if so, and it ends without a branch for how it ended,
#	it calls check::unmatched.

namespace eval ::pyossl::expect::check {
    variable active 0		;# how many checks are running, nested ones too
    variable results {}		;# list of dicts, one a check
    # Command prefixes, called with each result.
    variable watchers ::pyossl::expect::check::Say
    variable chooser ""		;# a command prefix that tells which are wanted
    variable constraints {}	;# dict: name -> boolean
    variable trail {}		;# where the error under way was raised
    variable seen {}		;# what was expected, and what was there
    variable tailLength 12	;# lines of the transcript in a report
    variable noted {}		;# the {text trail} of a fail, whoever caught it
    variable begun {}		;# the place of the check that has begun last
}

::pyossl::expect::Load transcript.tcl

# Has Tcl keep the lines of files in which the words of commands stand; without
# it a failure would be placed at the check as a whole.
interp debug {} -frame 1

#------------------------------------------------------------------------
# The commands
#------------------------------------------------------------------------

# check name ?-constraints list? script --
#	Runs one protocol test and closes the endpoints that it has opened.
# Arguments:
#	name	what is tested, for the report
#	-constraints	names that must hold, see [constraint]; "!name" must not
#	script	evaluated in the caller's scope
# Results:
#	pass, fail or skip.  It passes unless the script fails or ends by
#	something else than its end or return, an expect in it ends without a
#	branch for how it ended, fail is said, also where that is caught or in
#	an event handler, or an event handler fails.
# Errors:
#	Only wrong arguments: a failing script is a result, not an error.
proc ::pyossl::expect::check {args} {
    set name [lindex $args 0]
    if {[llength $args] == 4 && [lindex $args 1] eq "-constraints"} {
	set constraints [lindex $args 2]
    } elseif {[llength $args] == 2} {
	set constraints {}
    } else {
	return -code error -errorcode {TCL WRONGARGS} "wrong # args: should be\
		\"check name ?-constraints list? script\""
    }
    set script [lindex $args end]
    set place [check::place [info frame -1] $script]
    set check::begun $place
    if {$check::chooser ne "" && ![{*}$check::chooser $name]} {
	return skip
    }
    set missing [check::missing $constraints]
    if {[llength $missing]} {
	return [check::conclude [dict merge [check::blank $name $place] [dict create \
		result skip text "not here: [join $missing {, }]"]]]
    }
    set before [check::begin]
    set start [clock microseconds]
    set code [catch {uplevel 1 $script} result info]
    set seconds [expr {([clock microseconds] - $start) / 1e6}]
    # Errors of event handlers that Tcl has not told yet.
    update idletasks
    set outcome [check::judge $code $result $info $place]
    return [check::conclude [dict merge [check::blank $name $place] $outcome \
	    [dict create seconds $seconds] [check::end $before $outcome]]]
}

# fail text --
#	Ends the running check: it has failed, and this is why.  So it has where
#	something catches that, or an event handler says it.  Outside of a check
#	it is an error like any other.
# Errors:
#	PYOSSL EXPECT FAIL text
proc ::pyossl::expect::fail {text} {
    set check::trail [check::stack]
    check::note $text $check::trail
    return -code error -errorcode [list PYOSSL EXPECT FAIL $text] $text
}

# skip text --
#	Ends the running check: it cannot be run here, and this is why.
# Errors:
#	PYOSSL EXPECT SKIP text
proc ::pyossl::expect::skip {text} {
    set check::trail [check::stack]
    return -code error -errorcode [list PYOSSL EXPECT SKIP $text] $text
}

# constraint name ?boolean? --
#	Tells whether a constraint holds, or settles it.  Names that nobody has
#	settled are: unix, windows and other values of tcl_platform(platform);
#	the protocols that this OpenSSL speaks (TLSv1.3); and programs that can
#	be found (openssl, gnutls-serv).
# Results:
#	1 or 0.
proc ::pyossl::expect::constraint {args} {
    upvar 0 check::constraints known
    if {[llength $args] ni {1 2}} {
	return -code error -errorcode {TCL WRONGARGS} \
		"wrong # args: should be \"constraint name ?boolean?\""
    }
    set args [lassign $args name]
    if {[llength $args]} {
	if {![string is boolean -strict [lindex $args 0]]} {
	    return -code error -errorcode {PYOSSL EXPECT VALUE} \
		    "a constraint is a boolean, not \"[lindex $args 0]\""
	}
	dict set known $name [expr {!![lindex $args 0]}]
    } elseif {![dict exists $known $name]} {
	dict set known $name [expr {$name eq $::tcl_platform(platform)
		|| [check::speaks $name] || [auto_execok $name] ne ""}]
    }
    return [dict get $known $name]
}

#------------------------------------------------------------------------
# Results
#------------------------------------------------------------------------

# check::results --
#	The results since the last check::forget: a list of dicts.
proc ::pyossl::expect::check::results {} {
    variable results
    return $results
}

proc ::pyossl::expect::check::forget {} {
    variable results
    set results {}
}

# check::watch commandPrefix --
#	Has it called with each result (a dict) as soon as it is known.  The empty
#	string ends that for all others: at first a result is printed.
proc ::pyossl::expect::check::watch {command} {
    variable watchers
    if {$command eq ""} {
	set watchers {}
    } else {
	lappend watchers $command
    }
    return
}

# Prints a result.
proc ::pyossl::expect::check::Say {result} {
    ::pyossl::expect::Load report.tcl
    ::pyossl::expect::report::say $result
}

# check::choose commandPrefix --
#	From now on a check whose name that command does not want is not run and
#	has no result.
proc ::pyossl::expect::check::choose {command} {
    variable chooser
    set chooser $command
    return
}

proc ::pyossl::expect::check::blank {name place} {
    return [dict merge [dict create name $name result pass text "" seconds 0 \
	    file "" line "" at {} seen {} transcript {}] \
	    [dict remove $place scriptLine]]
}

# Files a result.
proc ::pyossl::expect::check::conclude {result} {
    variable results
    variable watchers
    lappend results $result
    foreach command $watchers {
	uplevel #0 [linsert $command end $result]
    }
    return [dict get $result result]
}

# Which constraints of a list do not hold.
proc ::pyossl::expect::check::missing {constraints} {
    set missing {}
    foreach name $constraints {
	set wanted [expr {[string index $name 0] ne "!"}]
	if {[::pyossl::expect::constraint [string trimleft $name !]] != $wanted} {
	    lappend missing [expr {$wanted ? $name
		    : "without [string trimleft $name !]"}]
	}
    }
    return $missing
}

# Does this OpenSSL speak a protocol?  The package's options call TLSv1.3
# "tls1.3", and either will do here.
proc ::pyossl::expect::check::speaks {name} {
    return [expr {[string map {TLSv1.0 tls1 TLSv tls SSLv ssl} $name]
	    in [::pyossl::protocols]}]
}

#------------------------------------------------------------------------
# Running
#------------------------------------------------------------------------

# What there was before a check.
proc ::pyossl::expect::check::begin {} {
    variable active
    variable noted
    variable seen {}
    variable trail {}
    set before [dict create ids [::pyossl::expect::endpoint::ids] noted $noted \
	    standing $::pyossl::expect::standing \
	    bgerror [interp bgerror {}]]
    set noted {}
    interp bgerror {} [list ::pyossl::expect::check::background \
	    [dict get $before bgerror]]
    incr active
    return $before
}

# Keeps why the running check has failed, the first time.
proc ::pyossl::expect::check::note {text trail} {
    variable active
    variable noted
    if {$active && ![llength $noted]} {
	set noted [list $text $trail]
    }
}

# An event handler has failed during a check, and so has the check.  Who handles
# such errors himself is told of it too; Tcl's own handler would only print it.
proc ::pyossl::expect::check::background {handler message info} {
    variable trail
    # Only our own errors have taken down where they were raised.
    set ours [expr {[lrange [dict get $info -errorcode] 0 2] in {
	    {PYOSSL EXPECT FAIL} {PYOSSL EXPECT TIMEOUT} {PYOSSL EXPECT EOF}}}]
    note "in the background: $message" [expr {$ours ? $trail : {}}]
    if {$handler ne "::tcl::Bgerror" || [info commands ::bgerror] ne ""} {
	uplevel #0 [list {*}$handler $message $info]
    }
}

# Takes down the transcript of a check that has failed, and closes what the
# check has opened.
proc ::pyossl::expect::check::end {before outcome} {
    variable active
    variable noted
    variable seen
    variable tailLength
    incr active -1
    set noted [dict get $before noted]
    # A script that has set another handler keeps it.
    if {[lindex [interp bgerror {}] 0] eq "::pyossl::expect::check::background"} {
	interp bgerror {} [dict get $before bgerror]
    }
    set opened [lmap id [::pyossl::expect::endpoint::ids] {
	if {$id in [dict get $before ids]} {
	    continue
	}
	set id
    }]
    set more {}
    if {[dict get $outcome result] eq "fail"} {
	set ids [expr {[llength $opened] ? $opened : [dict get $before ids]}]
	if {[catch {::pyossl::expect::transcript::tail $ids $tailLength} lines]} {
	    set lines [list "(no transcript: $lines)"]
	}
	dict set more transcript $lines
	dict set more seen $seen
    }
    foreach id [lreverse $opened] {
	# One that is closed already, by its listener perhaps, is no failure. Nor
	# is a handshake waited for that nobody has waited for.
	catch {::pyossl::expect::Close $id}
    }
    ::pyossl::expect::StandingRestore [dict get $before standing]
    return $more
}

# What the end of the script means.
proc ::pyossl::expect::check::judge {code result info place} {
    variable trail
    variable noted
    # Of "return -code error" Tcl writes nothing down.
    set info [dict merge {-errorinfo {} -errorcode NONE} $info]
    set how [ending $code $info]
    if {[set text [stray $how]] ne ""} {
	return [dict create result fail text $text at {}]
    }
    if {$how != 1 || [lrange [dict get $info -errorcode] 0 2]
	    eq "PYOSSL EXPECT SKIP"} {
	if {[llength $noted]} {
	    lassign $noted text trail
	    return [dict create result fail text $text at \
		    [inside $trail $place]]
	}
	return [dict create result [expr {$how == 1 ? "skip" : "pass"}] \
		text [expr {$how == 1 ? $result : ""}]]
    }
    set word [lrange [dict get $info -errorcode] 0 2]
    switch -- $word {
	{PYOSSL EXPECT FAIL} - {PYOSSL EXPECT TIMEOUT} - {PYOSSL EXPECT EOF} {
	    return [dict create result fail text $result at \
		    [inside $trail $place]]
	}
    }
    set code [dict get $info -errorcode]
    if {$code ni {"" NONE}} {
	append result " ($code)"
    }
    return [dict create result fail text $result at [blame $info $place]]
}

# check::ending code info --
#	What a script has ended with, from the code and the options that catch
#	has: "return -code" tells what its caller is to see.
proc ::pyossl::expect::check::ending {code info} {
    if {$code == 2} {
	return [expr {[dict get $info -level] > 1 ? 0 : [dict get $info -code]}]
    }
    return $code
}

# check::stray how --
#	What to say of a script that has ended as none may, with break for
#	example: nobody is there who could make anything of that.  Empty for one
#	that has ended with its last command, return or an error.
proc ::pyossl::expect::check::stray {how} {
    if {$how in {0 1 2}} {
	return ""
    }
    set word [expr {[dict exists {3 break 4 continue} $how]
	    ? [dict get {3 break 4 continue} $how]
	    : $how == $::pyossl::expect::match::continue
	    || $how == $::pyossl::expect::match::continueTimer
	    ? "exp_continue" : "the code $how"}]
    return "the script ended with $word"
}

# check::unmatched how patterns out --
#	For the command expect, inside of a check: none of its patterns has
#	matched and it has no branch for how it ended.
# Arguments:
#	how	timeout or eof
#	patterns	what it waited for, see pattern.tcl
#	out	what expect_out has got: of an endpoint that has ended, the text
#		that was left
# Errors:
#	PYOSSL EXPECT TIMEOUT or PYOSSL EXPECT EOF, always.
proc ::pyossl::expect::check::unmatched {how patterns {out {}}} {
    variable trail [stack]
    set waited [look $patterns $out]
    if {$how eq "timeout"} {
	return -code error -errorcode {PYOSSL EXPECT TIMEOUT} \
		"timed out waiting for $waited"
    }
    return -code error -errorcode {PYOSSL EXPECT EOF} \
	    "the end came instead of $waited"
}

# Takes down what patterns wait for and what is there at their endpoints, for the
# report, and returns the patterns in words.
proc ::pyossl::expect::check::look {patterns out} {
    variable seen
    set ids {}
    foreach pattern $patterns {
	foreach id [::pyossl::expect::arguments::Ids [lindex $pattern 1]] {
	    if {[::pyossl::expect::endpoint::exists $id]} {
		dict set ids $id 1
	    }
	}
    }
    set ids [dict keys $ids]
    set texts [lmap pattern $patterns {patternText $pattern [llength $ids]}]
    set seen [dict create expected $texts endpoints [lmap id $ids {
	dict create id $id buffer [seenText $id $out] events [seenEvents $id] \
		state [::pyossl::expect::endpoint::State $id]
    }]]
    return [join $texts " or "]
}

# check::overdue late place --
#	For those who end a script that takes too long, while it is at it.
# Arguments:
#	late	says that it does
#	place	where the check that it is in stands
# Results:
#	Of the dict of a result text, at, seen and transcript: why the check has
#	failed already, or what it waits for.
proc ::pyossl::expect::check::overdue {late place} {
    variable noted
    variable seen
    variable tailLength
    set at [inside [stack] $place]
    if {[llength $noted]} {
	lassign $noted text trail
	set text "$text; then $late"
	if {[llength $trail]} {
	    set at [inside $trail $place]
	}
    } else {
	set seen {}
	set text $late
	set patterns [::pyossl::expect::match::Waiting]
	if {[llength $patterns]} {
	    append text ", waiting for [look $patterns {}]"
	}
    }
    if {[catch {::pyossl::expect::transcript::tail \
	    [::pyossl::expect::endpoint::ids] $tailLength} transcript]} {
	set transcript {}
    }
    return [dict create text $text at $at seen $seen transcript $transcript]
}

# A pattern as it stands in the script; with the endpoint where there are
# several.
proc ::pyossl::expect::check::patternText {pattern count} {
    lassign $pattern kind where argument options
    set words {}
    if {$count > 1 && [lindex $where 0] eq "ids"} {
	lappend words -i [lindex $where 1]
    }
    switch -- $kind {
	gl {
	    lappend words "\"[::pyossl::expect::quote::printable $argument 200]\""
	}
	re - ex {
	    lappend words -$kind "\"[::pyossl::expect::quote::printable \
		    $argument 200]\""
	}
	eof - timeout - full_buffer - default - null {
	    lappend words $kind
	}
	default {
	    lappend words -$kind
	    foreach key {level} {
		if {[dict exists $options $key]} {
		    lappend words [dict get $options $key]
		}
	    }
	    # Where nothing was said of which, all are meant.
	    if {$argument ne "*" || $kind in {message alert record error}} {
		lappend words [list $argument]
	    }
	    if {[dict exists $options from] && [dict get $options from] ne ""} {
		lappend words -from [dict get $options from]
	    }
	}
    }
    return [join $words]
}

# The plaintext that no pattern has taken yet.
proc ::pyossl::expect::check::seenText {id out} {
    set before ""
    if {[dict exists $out spawn_id] && [dict get $out spawn_id] eq $id} {
	set before [dict get $out buffer]
    }
    return $before[::pyossl::expect::endpoint::get $id buffer ""][
	::pyossl::expect::endpoint::unread $id]
}

# The protocol events that no pattern has taken yet, in words.  Records are left
# out where the messages in them are there.
proc ::pyossl::expect::check::seenEvents {id} {
    set log [::pyossl::expect::event::list $id]
    set positions {}
    foreach kind $::pyossl::expect::event::consumable {
	if {$kind eq "record" && ![string match *raw* \
		[::pyossl::expect::endpoint::get $id kind]]} {
	    continue
	}
	lappend positions {*}[::pyossl::expect::endpoint::get $id queue,$kind ""]
    }
    return [lmap position [lsort -integer $positions] {
	set event [lindex $log $position]
	lassign [::pyossl::expect::transcript::describe $event] label detail
	set from [::pyossl::expect::transcript::get $event from]
	string trim "[expr {$from eq {} ? {} : "$from: "}]$label $detail"
    }]
}

#------------------------------------------------------------------------
# Places in files
#------------------------------------------------------------------------

# Where a check stands: file, line, and the line in which its script begins.
proc ::pyossl::expect::check::place {frame script} {
    if {![scripts $frame]} {
	return [dict create file "" line "" scriptLine 1]
    }
    set line [dict get $frame line]
    # The frame has the command as it is written.
    set begin [string last $script [dict get $frame cmd]]
    set before [string range [dict get $frame cmd] 0 $begin-1]
    return [dict create file [dict get $frame file] line $line scriptLine \
	    [expr {$line + [regexp -all \n $before]}]]
}

# The lines of scripts that are being executed, the innermost first, as {file
# line} pairs.
proc ::pyossl::expect::check::stack {} {
    set stack {}
    for {set n [info frame]} {$n > 0} {incr n -1} {
	set frame [info frame $n]
	if {[scripts $frame]} {
	    lappend stack [list [dict get $frame file] [dict get $frame line]]
	}
    }
    return $stack
}

# Is a frame one of a script's file? What is typed stands in none, but is run
# by one of the harness's own, or by its program.
proc ::pyossl::expect::check::scripts {frame} {
    return [expr {[dict exists $frame file]
	    && [file dirname [dict get $frame file]]
	    ne $::pyossl::expect::library
	    && ![string match ::pyossl::expect::shell::main* \
	    [dict get $frame cmd]]}]
}

# The part of a stack that is inside of a check.
proc ::pyossl::expect::check::inside {stack place} {
    set result {}
    foreach pair $stack {
	if {$pair eq [list [dict get $place file] [dict get $place line]]} {
	    break
	}
	# A command and the body in it may stand in one line.
	if {$pair ne [lindex $result end]} {
	    lappend result $pair
	}
    }
    return $result
}

# The line of the script in which a plain error was raised, from what Tcl has
# written down of it.
proc ::pyossl::expect::check::blame {info place} {
    set numbers [regexp -all -inline {\("uplevel" body line (\d+)\)} \
	    [dict get $info -errorinfo]]
    if {![llength $numbers] || [dict get $place file] eq ""} {
	return {}
    }
    return [list [list [dict get $place file] [expr {
	[dict get $place scriptLine] + [lindex $numbers end] - 1}]]]
}

