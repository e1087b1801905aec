# report.tcl --
#
#	Writes down the results of checks: as text for people, TAP (version 14),
#	JUnit's XML and JSON for the systems that run tests; and runs files of
#	checks.
#
#	A suite is what one file has given, a dict:
#	    file seconds timestamp results output
#	results are dicts as check.tcl makes them, with result pass, fail, skip,
#	or error for what went wrong outside of all checks.

namespace eval ::pyossl::expect::report {
    variable formats {text tap junit json}
    variable suites {}		;# those that are done
    variable current {}		;# the results of the file that is running
    variable output ""		;# what it has printed
    variable pattern *		;# which checks are run
    variable limit 0		;# seconds that one check may take
    variable child ""		;# the interpreter of the file that is running
    variable started {}		;# the {name place since} of checks that have begun
    variable begun 0		;# when the time began to run, in microseconds
    variable end 0		;# when its time is up, in milliseconds
    variable late {}		;# what there was when it was up
}

::pyossl::expect::Load quote.tcl
::pyossl::expect::Load check.tcl

#------------------------------------------------------------------------
# Running files
#------------------------------------------------------------------------

# report::run files ?-option value ...? --
#	Runs files of checks, each in an interpreter of its own, and writes a
#	report.
# Arguments:
#	-format	text (the default), tap, junit or json
#	-match	only the checks whose names match
#	-limit	how many seconds a check may take, with what comes before the next
#		one; 0 is no limit.  One that takes longer ends its file.
#	-channel	where the report goes; default stdout
#	-load	a script that loads the package into a fresh interpreter and
#		imports its commands
# Results:
#	1 if nothing failed and something was checked, else 0.
proc ::pyossl::expect::report::run {files args} {
    variable suites {}
    variable pattern
    variable limit
    set options [dict merge {-format text -match * -limit 0 -channel stdout \
	    -load {}} $args]
    set pattern [dict get $options -match]
    set limit [dict get $options -limit]
    set format [dict get $options -format]
    set channel [dict get $options -channel]
    begin $format $channel
    foreach file $files {
	lappend suites [runFile $file $format $channel [dict get $options -load]]
    }
    finish $format $channel $suites
    set counts [count $suites]
    return [expr {[dict get $counts fail] + [dict get $counts error] == 0
	    && [dict get $counts pass] + [dict get $counts skip] > 0}]
}

# Runs one file, and returns its suite.
proc ::pyossl::expect::report::runFile {file format channel load} {
    variable pattern
    variable current {}
    variable output ""
    variable started {}
    variable child
    variable late {}
    set timestamp [clock seconds]
    set start [clock microseconds]
    set child [interp create]
    interp debug $child -frame 1
    try {
	interp alias $child ::pyossl::expect::report::note {} \
		::pyossl::expect::report::note $format $channel
	interp alias $child ::pyossl::expect::report::wanted {} \
		::pyossl::expect::report::wanted
	interp eval $child [list set ::auto_path $::auto_path]
	interp eval $child $load
	interp eval $child {
	    # What is received belongs to the transcripts.
	    ::pyossl::expect::log_user 0
	    ::pyossl::expect::Load check.tcl
	    ::pyossl::expect::check::watch ""
	    ::pyossl::expect::check::watch ::pyossl::expect::report::note
	    ::pyossl::expect::check::choose ::pyossl::expect::report::wanted
	}
	interp eval $child [list set ::argv0 [::pyossl::expect::Path $file]]
	interp eval $child {set ::argv {}; set ::argc 0}
	redirect $child $format $channel
	allow
	set code [catch {interp eval $child [list source -encoding utf-8 \
		[::pyossl::expect::Path $file]]} \
		message info]
	interp limit $child time -seconds {}
	# vwait has no errorCode for it.
	if {[dict size $late]} {
	    note $format $channel [overdue $file]
	} elseif {$code == 1 && [dict get $info -errorcode] ne "PYOSSL EXPECT EXIT"} {
	    note $format $channel [outside $file $message $info]
	} elseif {[set text [::pyossl::expect::check::stray $code]] ne ""} {
	    note $format $channel [outside $file $text {}]
	} elseif {![llength $current] && $pattern eq "*"} {
	    note $format $channel [outside $file "the file has no check that was run" {}]
	}
    } finally {
	# Programs that it has started go with it.
	catch {
	    interp limit $child time -seconds {}
	    interp eval $child {
		if {[namespace which ::pyossl::expect::program::HangUp] ne ""} {
		    ::pyossl::expect::program::HangUp
		}
	    }
	}
	interp delete $child
    }
    return [dict create file $file timestamp $timestamp seconds \
	    [expr {([clock microseconds] - $start) / 1e6}] \
	    results $current output $output]
}

# The result that stands for what went wrong outside of all checks.
proc ::pyossl::expect::report::outside {file message info} {
    set at {}
    if {[dict exists $info -errorinfo] && [regexp \
	    {\(file "[^\n]*" line (\d+)\)} [dict get $info -errorinfo] - line]} {
	set at [list [list $file $line]]
    }
    return [dict create name "(outside of checks)" result error text $message \
	    seconds 0 file $file line [lindex $at 0 1] at $at seen {} transcript {}]
}

# Lets the child run for as long as a check may take.
proc ::pyossl::expect::report::allow {} {
    variable limit
    variable begun [clock microseconds]
    variable end
    if {$limit > 0} {
	set end [expr {$begun / 1000 + 1000 * $limit}]
	until $end
    }
}

# Lets the child run until then.
proc ::pyossl::expect::report::until {end} {
    variable child
    interp limit $child time -seconds [expr {$end / 1000}] \
	    -milliseconds [expr {$end % 1000}] \
	    -command ::pyossl::expect::report::expired
}

# The time is up. The child is asked how it stands, while it still does: when the
# limit has ended its script nothing of that is left.
proc ::pyossl::expect::report::expired {} {
    variable limit
    variable child
    variable started
    variable begun
    variable end
    variable late
    if {[dict size $late]} {
	return
    }
    set text "it took longer than $limit seconds"
    set late [dict create text $text]
    lassign [lindex $started end] name place since
    dict set late seconds [expr {([clock microseconds]
	    - ($since ne "" ? $since : $begun)) / 1e6}]
    if {$place eq ""} {
	set place {file {} line {}}
    }
    interp limit $child time -seconds {}
    catch {
	set late [dict merge $late [interp eval $child [list \
		::pyossl::expect::check::overdue $text $place]]]
    }
    until $end
}

# The result of a check that has taken too long, or of what is outside of them.
proc ::pyossl::expect::report::overdue {file} {
    variable started
    variable late
    set result [outside $file "" {}]
    if {[llength $started]} {
	lassign [lindex $started end] name place
	set result [dict merge $result [dict create name $name result fail \
		line [dict get $place line]]]
	if {[dict get $place file] ne ""} {
	    dict set result file [dict get $place file]
	}
    }
    return [dict merge $result $late]
}

# The script's standard output must not get into a report; and a script that
# says exit ends its file, not the run.
proc ::pyossl::expect::report::redirect {child format channel} {
    interp alias $child ::pyossl::expect::report::print {} \
	    ::pyossl::expect::report::print $format $channel
    interp eval $child {
	rename ::puts ::pyossl::expect::report::puts
	proc ::puts {args} {
	    set rest $args
	    set end \n
	    if {[lindex $rest 0] eq "-nonewline" && [llength $rest] > 1} {
		set rest [lrange $rest 1 end]
		set end ""
	    }
	    if {[llength $rest] == 2 && [lindex $rest 0] eq "stdout"} {
		set rest [lrange $rest 1 end]
	    }
	    if {[llength $rest] == 1} {
		::pyossl::expect::report::print [lindex $rest 0]$end
		return
	    }
	    tailcall ::pyossl::expect::report::puts {*}$args
	}
	proc ::exit {{status 0}} {
	    if {$status} {
		return -code error -errorcode {PYOSSL EXPECT STATUS} \
			"the script ended with exit $status"
	    }
	    return -code error -errorcode {PYOSSL EXPECT EXIT} exit
	}
    }
}

# Takes what a script prints.
proc ::pyossl::expect::report::print {format channel text} {
    variable output
    append output $text
    switch -- $format {
	text {
	    puts -nonewline $channel $text
	}
	tap {
	    # A comment; what is said piecemeal becomes several.
	    foreach line [split [string trimright $text \n] \n] {
		puts $channel "# [::pyossl::expect::quote::printable $line]"
	    }
	}
    }
}

# A check is about to begin: does -match ask for it?
proc ::pyossl::expect::report::wanted {name} {
    variable pattern
    variable child
    variable started
    allow
    if {![string match $pattern $name]} {
	return 0
    }
    variable begun
    lappend started [list $name \
	    [interp eval $child {set ::pyossl::expect::check::begun}] $begun]
    return 1
}

# Takes a result, and writes it at once where the format allows it.
proc ::pyossl::expect::report::note {format channel result} {
    variable current
    variable number
    variable started
    # Of nested checks it is the inner one that ends first.
    set at [lindex [lsearch -all -exact -index 0 $started \
	    [dict get $result name]] end]
    if {$at ne ""} {
	set started [lreplace $started $at $at]
    }
    lappend current $result
    incr number
    switch -- $format {
	text {
	    puts $channel [join [textLines $result] \n]
	    flush $channel
	}
	tap {
	    puts $channel [join [tapLines $number $result] \n]
	    flush $channel
	}
    }
}

proc ::pyossl::expect::report::begin {format channel} {
    variable number 0
    if {$format eq "tap"} {
	puts $channel "TAP version 14"
    }
}

# What is written when all files are done.
proc ::pyossl::expect::report::finish {format channel suites} {
    variable number
    switch -- $format {
	text {
	    puts $channel [summary [count $suites]]
	}
	tap {
	    puts $channel 1..$number
	}
	junit {
	    puts -nonewline $channel [junit $suites]
	}
	json {
	    puts -nonewline $channel [json $suites]
	}
    }
    flush $channel
}

# report::count suites --
#	How many checks ended how: a dict with pass, fail, skip, error, seconds.
proc ::pyossl::expect::report::count {suites} {
    set counts {pass 0 fail 0 skip 0 error 0 seconds 0}
    foreach suite $suites {
	foreach result [dict get $suite results] {
	    dict incr counts [dict get $result result]
	}
	dict set counts seconds [expr {[dict get $counts seconds]
		+ [dict get $suite seconds]}]
    }
    return $counts
}

proc ::pyossl::expect::report::summary {counts} {
    dict with counts {}
    return "$pass passed, [expr {$fail + $error}] failed, $skip skipped"
}

#------------------------------------------------------------------------
# What is said about a check that has failed
#------------------------------------------------------------------------

# report::explain result --
#	Lines about a failure: what was wrong and where, what was expected and
#	what was there instead, the end of the transcript.
proc ::pyossl::expect::report::explain {result} {
    set lines {}
    if {[set where [where $result]] ne ""} {
	lappend lines "at $where"
    }
    set seen [dict get $result seen]
    if {[dict size $seen]} {
	set word expected
	foreach pattern [dict get $seen expected] {
	    lappend lines [format "%-9s %s" $word $pattern]
	    set word "       or"
	}
	foreach endpoint [dict get $seen endpoints] {
	    lappend lines {*}[explainEndpoint $endpoint]
	}
    }
    if {[llength [dict get $result transcript]]} {
	lappend lines "the end of the transcript:"
	foreach line [dict get $result transcript] {
	    lappend lines "  $line"
	}
    }
    return $lines
}

# What was there at one endpoint.
proc ::pyossl::expect::report::explainEndpoint {endpoint} {
    dict with endpoint {}
    set lines [list [format "%-9s %s" seen [expr {$state eq {} ? "at $id"
	    : "at $id, which is $state"}]]]
    if {$buffer eq ""} {
	lappend lines "            no plaintext"
    } else {
	lappend lines "            plaintext \"[::pyossl::expect::quote::printable \
		$buffer 300]\""
    }
    if {![llength $events]} {
	lappend lines "            no event that is not used up"
    }
    foreach event $events {
	lappend lines "            $event"
    }
    return $lines
}

# "file:line, called from file:line, in the check of file:line".
proc ::pyossl::expect::report::where {result} {
    set places [lmap pair [dict get $result at] {join $pair :}]
    set where [join $places ", called from "]
    if {[dict get $result file] ne "" && [dict get $result line] ne ""} {
	set check [dict get $result file]:[dict get $result line]
	if {$where eq ""} {
	    return $check
	}
	if {$check ni $places} {
	    append where ", in the check at $check"
	}
    }
    return $where
}

#------------------------------------------------------------------------
# Text
#------------------------------------------------------------------------

# report::textLines result --
#	A result for people.
proc ::pyossl::expect::report::textLines {result} {
    set word [dict get {pass "ok  " fail FAIL skip skip error FAIL} \
	    [dict get $result result]]
    set first "$word  [oneLine [dict get $result name]]"
    set lines {}
    switch -- [dict get $result result] {
	pass {
	    append first [format "  (%.3f s)" [dict get $result seconds]]
	}
	skip {
	    append first "  ([oneLine [dict get $result text]])"
	}
	default {
	    foreach line [split [dict get $result text] \n] {
		lappend lines "      $line"
	    }
	    foreach line [explain $result] {
		lappend lines "      $line"
	    }
	}
    }
    return [lmap line [linsert $lines 0 $first] {
	::pyossl::expect::quote::shown $line
    }]
}

# report::say result --
#	Prints a result; what check does where nobody has asked for another
#	report.  What was received may have ended in the middle of a line.
proc ::pyossl::expect::report::say {result} {
    if {$::pyossl::expect::lastShown ne "\n"} {
	puts ""
	set ::pyossl::expect::lastShown \n
    }
    puts [join [textLines $result] \n]
}

proc ::pyossl::expect::report::oneLine {text} {
    return [string trim [regsub -all {\s+} $text " "]]
}

#------------------------------------------------------------------------
# TAP
#------------------------------------------------------------------------

# report::tapLines number result --
#	A test point, with a block of YAML where it has failed.
# Source:
#	testanything.org, TAP 14 specification
proc ::pyossl::expect::report::tapLines {number result} {
    set kind [dict get $result result]
    set line [expr {$kind in {pass skip} ? "ok" : "not ok"}]
    append line " $number - [tapText [dict get $result name]]"
    if {$kind eq "skip"} {
	return [list "$line # SKIP [tapText [dict get $result text]]"]
    }
    if {$kind eq "pass"} {
	return [list $line]
    }
    # A JSON string is a double-quoted YAML scalar.
    set yaml [list "message: [::pyossl::expect::json::string \
	    [dict get $result text]]" severity:\ [expr {$kind eq "error" ? "error"
	    : "fail"}] [format "duration_ms: %.3f" \
	    [expr {[dict get $result seconds] * 1000}]]]
    foreach key {file line} {
	if {[dict get $result $key] ne ""} {
	    lappend yaml "$key: [::pyossl::expect::json::string \
		    [dict get $result $key]]"
	}
    }
    lappend yaml explanation:
    foreach text [linsert [explain $result] 0 [dict get $result text]] {
	lappend yaml "  - [::pyossl::expect::json::string $text]"
    }
    return [list $line "  ---" {*}[lmap text $yaml {string cat "  " $text}] \
	    "  ..."]
}

# A description: its # and \ would be read as a directive.
proc ::pyossl::expect::report::tapText {text} {
    return [string map {\\ \\\\ # \\#} \
	    [::pyossl::expect::quote::shown [oneLine $text]]]
}

#------------------------------------------------------------------------
# JUnit
#------------------------------------------------------------------------

# report::junit suites --
#	An XML document with a testsuite for each file.
proc ::pyossl::expect::report::junit {suites} {
    set counts [count $suites]
    set lines [list {<?xml version="1.0" encoding="UTF-8"?>} \
	    "<testsuites [totals $counts]>"]
    foreach suite $suites {
	lappend lines {*}[junitSuite $suite]
    }
    lappend lines </testsuites>
    return [join $lines \n]\n
}

proc ::pyossl::expect::report::totals {counts} {
    dict with counts {}
    return [format {tests="%d" failures="%d" errors="%d" skipped="%d" time="%.3f"} \
	    [expr {$pass + $fail + $skip + $error}] $fail $error $skip $seconds]
}

proc ::pyossl::expect::report::junitSuite {suite} {
    set file [::pyossl::expect::quote::xml [dict get $suite file]]
    set time [clock format [dict get $suite timestamp] -gmt 1 \
	    -format %Y-%m-%dT%H:%M:%S]
    set class [::pyossl::expect::quote::xml [file rootname [regsub {^\./~} \
	    [file tail ./[dict get $suite file]] ~]]]
    set lines [list "<testsuite name=\"$file\" timestamp=\"$time\"\
	    [totals [count [list $suite]]]>"]
    foreach result [dict get $suite results] {
	set open [format {<testcase classname="%s" name="%s" time="%.3f"} $class \
		[::pyossl::expect::quote::xml [dict get $result name]] \
		[dict get $result seconds]]
	if {[dict get $result line] ne ""} {
	    append open " file=\"[::pyossl::expect::quote::xml \
		    [dict get $result file]]\" line=\"[dict get $result line]\""
	}
	set text [dict get $result text]
	set message [::pyossl::expect::quote::xml [oneLine $text]]
	switch -- [dict get $result result] {
	    pass {
		lappend lines $open/>
	    }
	    skip {
		lappend lines "$open><skipped message=\"$message\"/></testcase>"
	    }
	    default {
		set tag [dict get {fail failure error error} \
			[dict get $result result]]
		lappend lines "$open><$tag message=\"$message\">[
			::pyossl::expect::quote::xmltext [join [linsert \
			[explain $result] 0 $text] \n]]</$tag></testcase>"
	    }
	}
    }
    if {[dict get $suite output] ne ""} {
	lappend lines "<system-out>[::pyossl::expect::quote::xmltext \
		[dict get $suite output]]</system-out>"
    }
    return [lappend lines </testsuite>]
}

#------------------------------------------------------------------------
# JSON
#------------------------------------------------------------------------

# report::json suites --
#	{"counts": {...}, "suites": [{"file": ..., "checks": [...]}]}.
proc ::pyossl::expect::report::json {suites} {
    set list [lmap suite $suites {
	::pyossl::expect::json::object [list \
		file [::pyossl::expect::json::string [dict get $suite file]] \
		timestamp [::pyossl::expect::json::number [dict get $suite timestamp]] \
		counts [jsonCounts [count [list $suite]]] \
		output [::pyossl::expect::json::string [dict get $suite output]] \
		checks [::pyossl::expect::json::array [lmap result \
		[dict get $suite results] {string cat \n [jsonResult $result]}]]]
    }]
    return [::pyossl::expect::json::object [list \
	    counts [jsonCounts [count $suites]] \
	    suites [::pyossl::expect::json::array $list]]]\n
}

proc ::pyossl::expect::report::jsonCounts {counts} {
    return [::pyossl::expect::json::object [dict map {- value} $counts {
	::pyossl::expect::json::number $value
    }]]
}

proc ::pyossl::expect::report::jsonResult {result} {
    set members {}
    foreach key {name result text file} {
	dict set members $key [::pyossl::expect::json::string [dict get $result $key]]
    }
    foreach key {line seconds} {
	dict set members $key [::pyossl::expect::json::number [dict get $result $key]]
    }
    dict set members at [::pyossl::expect::json::array [lmap pair \
	    [dict get $result at] {::pyossl::expect::json::object [list \
	    file [::pyossl::expect::json::string [lindex $pair 0]] \
	    line [::pyossl::expect::json::number [lindex $pair 1]]]}]]
    dict set members explanation [::pyossl::expect::json::array [lmap line \
	    [expr {[dict get $result result] in {fail error} ? [explain $result] : {}}] {
	::pyossl::expect::json::string $line
    }]]
    return [::pyossl::expect::json::object $members]
}
