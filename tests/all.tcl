# all.tcl --
#
#	Runs the test suite: every *.test file in a process of its own, several
#	at a time, each with a time limit.
#
#	tclsh tests/all.tcl ?-option value ...?
#
#	-jobs N		how many files run at once (default: the processors, 2..4)
#	-limit S	seconds that one file may take (default 300)
#	-file PATTERN	only the files whose name matches, with or without its
#			folder; may be repeated
#	-notfile PATTERN  not these
#	-match PATTERN	only the tests whose name matches
#	-directory DIR	where the files are (default: that of all.tcl)
#	-verbose	what every file prints, also where all went well
#
#	The last line is "N passed, N failed, N skipped", and the exit status is
#	0 only if nothing failed.  Besides failed tests these are failures: a
#	file that ends without tcltest's total, by a signal, with a status that
#	is not 0 or after its time limit, a file without any test, and any report
#	of a sanitizer or of valgrind, whichever process wrote it.
#
#	Read from the environment:
#	PYOSSL_BUILD	the folder with the package under test
#	PYOSSL_RUNNER	a list put before the name of tclsh, to run it under a
#			tool; %LOG% in it stands for a file name, and whatever
#			the tool writes to files that begin so is a failure

package require Tcl 8.6-

namespace eval suite {
    variable here [file dirname [file normalize [info script]]]
    variable options {jobs 0 limit 300 file {} notfile {} match {} verbose 0 directory {}}
    variable running {}		;# dict: channel -> dict about the file
    variable results {}		;# dict: file -> dict with its counts
    variable reportPattern {ERROR: AddressSanitizer|ERROR: LeakSanitizer|WARNING: ThreadSanitizer|: runtime error: |UndefinedBehaviorSanitizer|==\d+==ERROR}
}

if {$::tcl_platform(platform) eq "windows"} {
    source [file join $suite::here wine.tcl]
}

# Reads the command line into the options.
proc suite::readOptions {argv} {
    variable options
    while {[llength $argv]} {
	set argv [lassign $argv name]
	switch -- $name {
	    -verbose {
		dict set options verbose 1
	    }
	    -jobs - -limit - -match - -directory {
		set argv [lassign $argv value]
		dict set options [string range $name 1 end] $value
	    }
	    -file - -notfile {
		set argv [lassign $argv value]
		dict lappend options [string range $name 1 end] $value
	    }
	    default {
		puts stderr "all.tcl: unknown option \"$name\""
		exit 2
	    }
	}
    }
    foreach name {jobs limit} {
	if {![string is integer -strict [dict get $options $name]]} {
	    puts stderr "all.tcl: -$name must be a number"
	    exit 2
	}
    }
    variable here
    if {[dict get $options directory] eq ""} {
	dict set options directory $here
    }
    if {[dict get $options jobs] < 1} {
	dict set options jobs [expr {max(2, min(4, [processors]))}]
    }
}

# How many processors there are, as far as plain Tcl can tell.
proc suite::processors {} {
    if {[info exists ::env(NUMBER_OF_PROCESSORS)]} {
	return $::env(NUMBER_OF_PROCESSORS)
    }
    if {[catch {exec getconf _NPROCESSORS_ONLN} n]} {
	return 2
    }
    return $n
}

# The test files that the options ask for, in the order in which to start
# them: the biggest first, so that the last to end are short.
proc suite::testFiles {} {
    variable options
    set all [glob -nocomplain -directory [dict get $options directory] -- \
	    *.test expect/*.test]
    set chosen {}
    foreach path $all {
	set name [fileName $path]
	if {[matchesAny [dict get $options notfile] $name]} {
	    continue
	}
	if {[llength [dict get $options file]]
		&& ![matchesAny [dict get $options file] $name]} {
	    continue
	}
	lappend chosen [list [file size $path] $path]
    }
    return [lmap pair [lsort -integer -decreasing -index 0 $chosen] {
	lindex $pair 1
    }]
}

# A test file's path below tests/.
proc suite::fileName {path} {
    variable options
    return [string range $path \
	    [string length [dict get $options directory]]+1 end]
}

# Does the name, with or without its folder and ".test", match one of the
# patterns?
proc suite::matchesAny {patterns name} {
    foreach pattern $patterns {
	foreach form [list $name [file tail $name]] {
	    if {[string match $pattern $form]
		    || [string match $pattern [file rootname $form]]} {
		return 1
	    }
	}
    }
    return 0
}

# The scratch folder of this run, and in it the certificates that all the
# files share.
proc suite::makeScratch {} {
    variable here
    variable scratch
    set base [expr {[info exists ::env(TMPDIR)] ? $::env(TMPDIR)
	    : [info exists ::env(TEMP)] ? $::env(TEMP) : "/tmp"}]
    for {set i 0} {1} {incr i} {
	set scratch [file join $base pyossl-test-[pid]-$i]
	if {![file exists $scratch]} {
	    break
	}
    }
    file mkdir $scratch
    # The files' own temporary folders go into it, so that those of a file
    # that crashes go with it too.
    set ::env(TMPDIR) $scratch
    if {[info exists ::env(PYOSSL_CERTS)] || [auto_execok openssl] eq ""} {
	return
    }
    set ::env(PYOSSL_CERTS) [file join $scratch certs]
    if {[file exists [file join $here certs.tcl]]} {
	uplevel #0 [list source [file join $here certs.tcl]]
	certs::dir
    }
}

# Starts one test file.
proc suite::start {path} {
    variable options
    variable running
    variable scratch
    variable started
    set n [incr started]
    set log [file join $scratch report$n]
    set runner {}
    if {[info exists ::env(PYOSSL_RUNNER)]} {
	set runner [string map [list %LOG% $log] $::env(PYOSSL_RUNNER)]
    }
    set limit [dict get $options limit]
    set command [list {*}$runner [info nameofexecutable] $path \
	    -verbose {body error skip}]
    if {[dict get $options match] ne ""} {
	lappend command -match [dict get $options match]
    }
    # On Unix a shell is between, whose pipe ends with the test file even if
    # a process that the file has started lives on.  coreutils' timeout makes
    # a process group, so that those can be killed too.
    set group 0
    set redirect [list < NUL 2> $log.stderr]
    if {$::tcl_platform(platform) eq "unix"} {
	if {[auto_execok timeout] ne ""} {
	    set command [list timeout -k 10 $limit {*}$command]
	    set group 1
	}
	set command [list sh -c {
	    "$@" >"$0.stdout" 2>"$0.stderr" </dev/null &
	    echo $!
	    wait $!
	    echo $?
	} $log {*}$command]
	set redirect [list < /dev/null 2> $log.shell]
    }
    # The tests see the runner with the log's name filled in.
    set saved [array get ::env PYOSSL_RUNNER]
    if {[llength $saved]} {
	set ::env(PYOSSL_RUNNER) $runner
	set ::env(PYOSSL_LOG) $log
    }
    set channel [open |[list {*}$command {*}$redirect] r]
    array set ::env $saved
    fconfigure $channel -blocking 0 -translation auto -encoding utf-8
    if {[package vsatisfies [package provide Tcl] 9.0-]} {
	fconfigure $channel -profile replace
    }
    dict set running $channel [dict create path $path log $log group $group \
	    output "" start [clock milliseconds] timedOut 0 \
	    watchdog [after [expr {($limit + ($group ? 20 : 0)) * 1000}] \
		[list suite::overdue $channel]]]
    fileevent $channel readable [list suite::readable $channel]
}

# The second net under the time limit: timeout was not there or did not help.
# A program that the file has started may hold its output open; nobody waits
# for that.
proc suite::overdue {channel} {
    variable running
    dict set running $channel timedOut 1
    killAll $channel
    dict set running $channel watchdog \
	    [after 5000 [list suite::ended $channel]]
}

# Kills a test file with what it has started.
proc suite::killAll {channel} {
    variable running
    set job [dict get $running $channel]
    set pid [lindex [pid $channel] 0]
    if {$::tcl_platform(platform) ne "unix"} {
	# Wine's taskkill does not know /T.
	if {[catch {exec taskkill /F /T /PID $pid}]} {
	    catch {exec taskkill /F /PID $pid}
	}
    } elseif {[regexp {^\d+} [dict get $job output] pid]} {
	set target [expr {[dict get $job group] ? "-$pid" : $pid}]
	catch {exec sh -c "kill -s KILL -- $target" 2>@1}
    }
}

# Takes what a test file prints.
proc suite::readable {channel} {
    variable running
    set data [read $channel]
    set output [dict get $running $channel output]$data
    dict set running $channel output $output
    if {[eof $channel]} {
	ended $channel
    }
}

# A test file has ended: judge it, print its line, start the next one.
proc suite::ended {channel} {
    variable running
    variable results
    after cancel [dict get $running $channel watchdog]
    # Nothing that the file has started may outlive it.
    killAll $channel
    fconfigure $channel -blocking \
	    [expr {![dict get $running $channel timedOut]}]
    set status 0
    if {[catch {close $channel} message info]} {
	set status [lindex [dict get $info -errorcode] 2]
    }
    set job [dict get $running $channel]
    dict unset running $channel
    if {$::tcl_platform(platform) eq "unix"} {
	set status [lindex [dict get $job output] 1]
	dict set job output [contents [dict get $job log].stdout]
    }
    set result [judge $job [explain $status]]
    dict set results [fileName [dict get $job path]] $result
    printResult [fileName [dict get $job path]] $result $job
    next
}

# What an exit status says, or "" if it is 0.
proc suite::explain {status} {
    set signals {SIGILL 4 SIGTRAP 5 SIGABRT 6 SIGBUS 7 SIGFPE 8 SIGSEGV 11
	    SIGPIPE 13 SIGALRM 14 SIGTERM 15}
    if {$status eq "0"} {
	return ""
    }
    if {$status in {124 137}} {
	return "took too long"
    }
    if {[string is integer -strict $status] && $status > 128} {
	foreach {name number} $signals {
	    if {$status == 128 + $number} {
		return "ended by signal $name"
	    }
	}
    }
    return "ended with status $status"
}

# Counts the tests of a file and collects everything that is wrong with it.
proc suite::judge {job status} {
    variable options
    variable reportPattern
    set output [dict get $job output]
    set log [dict get $job log]
    set errors [contents $log.stderr]
    set wrong {}
    set skipped {}
    foreach {- test why} [regexp -all -inline -line \
	    {^\+\+\+\+ (\S+) SKIPPED: (.*)$} $output] {
	lappend skipped $test $why
    }
    set passed 0
    set failed 0
    set total 0
    if {[dict get $job timedOut]} {
	lappend wrong "took too long"
    } elseif {$status ne ""} {
	lappend wrong $status
    }
    if {[regexp -line {^\S.*:\tTotal\t(\d+)\tPassed\t(\d+)\tSkipped\t(\d+)\tFailed\t(\d+)\s*$} \
	    $output - total passed - failed]} {
	if {$total == 0 && [dict get $options match] eq ""} {
	    lappend wrong "ran no test"
	}
    } else {
	lappend wrong "did not finish"
	# What it had got to is still worth counting.
	set failed [regexp -all -line {^==== \S+ .*FAILED$} $output]
    }
    if {[regexp $reportPattern $errors] || [regexp $reportPattern $output]} {
	lappend wrong "a sanitizer's report"
    }
    set reports ""
    foreach file [glob -nocomplain -- $log.*] {
	if {[file extension $file] in {.stdout .stderr .shell}} {
	    continue
	}
	set report [contents $file]
	if {[isHarmless $report [string match $log.child* $file]]} {
	    continue
	}
	if {$report ne ""} {
	    append reports $report \n
	}
    }
    if {$reports ne ""} {
	lappend wrong "reports of the memory checker"
    }
    return [dict create passed $passed failed $failed wrong $wrong \
	    skipped $skipped errors $errors reports $reports]
}

# Is a report about nothing but blocks of Tcl's own?  There are two kinds:
#  - When a child process calls [exit] inside nested scripts, the C functions
#    in between never return, and what they held is lost without anybody's
#    fault.  The test processes themselves end at top level.
#  - Tcl keeps the strings of the environment (a trace of ::env) for good.
# What valgrind remarks about itself (a system call that it does not know) is
# no report: its errors begin with ==.
# Nothing is forgiven in which pyossl or OpenSSL had a hand.
proc suite::isHarmless {report child} {
    # LeakSanitizer and valgrind both part their records by empty lines.
    set text [regsub -all -line {^--\d+-- .*$} $report ""]
    set text [regsub -all -line {^==\d+==\s?} $text ""]
    foreach record [split [string map [list \n\n \x01] $text] \x01] {
	set record [string trim $record]
	if {$record eq "" || [regexp {^(=+\s*)?ERROR: LeakSanitizer: detected memory leaks$} $record]
		|| [regexp {^SUMMARY: AddressSanitizer: \d+ byte\(s\) leaked} $record]} {
	    continue
	}
	if {![regexp {^(Direct|Indirect) leak of } $record]
		&& ![regexp {^[\d,]+ (\([^)]*\) )?bytes in [\d,]+ blocks are definitely lost} $record]} {
	    return 0
	}
	if {[regexp {lib(tcl9)?pyossl|pyossl[A-Z]?\w*\.c|libssl|libcrypto} $record]} {
	    return 0
	}
	if {!$child && ![string match *TclCallVarTraces* $record]} {
	    return 0
	}
    }
    return 1
}

# The text of a file, or "" if there is none.
proc suite::contents {path} {
    if {[catch {open $path r} channel]} {
	return ""
    }
    if {[package vsatisfies [package provide Tcl] 9.0-]} {
	fconfigure $channel -profile replace
    }
    try {
	return [read $channel]
    } finally {
	close $channel
    }
}

# Prints the line of one file, and all its output if something is wrong.
proc suite::printResult {name result job} {
    variable options
    set seconds [expr {([clock milliseconds] - [dict get $job start]) / 1000.0}]
    dict with result {
	set bad [expr {$failed || [llength $wrong]}]
	puts [format "%-4s %-24s %4d passed %3d failed %3d skipped %7.1f s%s" \
		[expr {$bad ? "FAIL" : "ok"}] $name $passed $failed \
		[expr {[llength $skipped] / 2}] $seconds \
		[expr {[llength $wrong] ? "  ([join $wrong {; }])" : ""}]]
	if {$bad || [dict get $options verbose]} {
	    foreach text [list [dict get $job output] $errors $reports] {
		if {[string trim $text] ne ""} {
		    puts [string trimright $text]
		}
	    }
	    puts "---- end of $name"
	}
    }
    flush stdout
}

# Starts files as long as there are free places; ends the run after the last.
proc suite::next {} {
    variable waiting
    variable running
    variable options
    variable done
    while {[llength $waiting] && [dict size $running] < [dict get $options jobs]} {
	set waiting [lassign $waiting path]
	start $path
    }
    if {[dict size $running] == 0} {
	set done 1
    }
}

# The skipped tests with their reasons, the files that are wrong, the total.
# Returns the exit status.
proc suite::summary {} {
    variable results
    set passed 0
    set failed 0
    set skipped 0
    set bad {}
    foreach {name result} [lsort -stride 2 $results] {
	incr passed [dict get $result passed]
	incr failed [dict get $result failed]
	incr skipped [expr {[llength [dict get $result skipped]] / 2}]
	if {[llength [dict get $result wrong]]} {
	    # The file itself counts as one failure.
	    incr failed
	    lappend bad "$name: [join [dict get $result wrong] {; }]"
	} elseif {[dict get $result failed]} {
	    lappend bad "$name: [dict get $result failed] failed"
	}
	foreach {test why} [dict get $result skipped] {
	    puts "skipped: $test ($why)"
	}
    }
    foreach line $bad {
	puts "failed: $line"
    }
    puts "$passed passed, $failed failed, $skipped skipped"
    return [expr {$failed || !$passed}]
}

proc suite::main {argv} {
    variable waiting
    variable scratch
    variable done
    readOptions $argv
    set waiting [testFiles]
    if {![llength $waiting]} {
	puts stderr "all.tcl: no test file matches"
	puts "0 passed, 0 failed, 0 skipped"
	return 1
    }
    makeScratch
    try {
	after 0 suite::next
	vwait suite::done
	return [summary]
    } finally {
	catch {file delete -force $scratch}
    }
}

exit [suite::main $argv]
