# bench.tcl --
#
#	Runs the jobs of the benchmark and prints one table.
#
#	tclsh bench.tcl -build DIR ?-rounds N? ?-scale F? ?-instructions? ?-list?
#		?JOB ...?
#
#	-build DIR	the folder with the package and, in bench/, the C program
#	-rounds N	how often each driver does each job (default 5); the
#			drivers take turns, and the medians count
#	-scale F	the sizes times F, for a quick look
#	-drivers LIST	only these
#	-instructions	counts them by valgrind, with 0.05 of the sizes unless
#			-scale says otherwise; one run does
#	JOB		patterns of names of jobs; without one, all of them
#
#	A job is done by drivers: "C" on OpenSSL's defaults, "tuned C", pyossl,
#	and the tls package. Each run is a process of its own that tells its
#	processor time, without its start. The other end is always the C program.

package require Tcl 8.6-

namespace eval bench {
    variable here [file dirname [file normalize [info script]]]
    variable build ""
    variable rounds 5
    variable scale 1.0
    variable limit 300		;# seconds for one run
    variable scratch ""
    variable missing {}
    variable only {}		;# drivers; none: all
    variable counting 0		;# instructions, not time
}

source -encoding utf-8 [file join $bench::here jobs.tcl]

#------------------------------------------------------------------------
# Processes
#------------------------------------------------------------------------

# Starts a program; its lines are read by [Line].
proc bench::Start {words} {
    variable limit
    set channel [open |[list timeout $limit {*}$words 2>@stderr] r+]
    chan configure $channel -buffering line
    return $channel
}

proc bench::Line {channel} {
    if {[gets $channel line] < 0} {
	error "a program ended too early: [pid $channel]"
    }
    return $line
}

# Ends a program that goes on until then.  The shell has kill built in; a bare
# system has no program of that name.
proc bench::Kill {channel} {
    catch {exec sh -c {kill "$@"} sh {*}[pid $channel]}
    catch {close $channel}
}

# The words that start a driver's process for a job.
proc bench::Driver {driver job args} {
    variable here
    variable build
    switch -- $driver {
	C - tuned - nagle {
	    return [list [file join $build bench bench] $job {*}$args \
		-tuned [expr {$driver eq "tuned"}] \
		-nodelay [expr {$driver ne "nagle"}]]
	}
	1thread - 2threads {
	    return [Driver pyossl pool {*}$args -threads \
		[string index $driver 0]]
	}
	default {
	    return [list [info nameofexecutable] \
		[file join $here subject.tcl] \
		[expr {$driver eq "tls" ? "tls" : "pyossl"}] \
		[file join $build bench cputime.so] $job {*}$args]
	}
    }
}

# The same, and counted if that is asked for.
proc bench::Subject {driver job args} {
    variable counting
    set words [Driver $driver $job {*}$args]
    if {$counting} {
	set words [list valgrind --tool=callgrind \
	    --callgrind-out-file=/dev/null --log-file=[CountFile] {*}$words]
    }
    return $words
}

proc bench::CountFile {} {
    variable build
    return [file join $build bench count-[pid]]
}

# The other end: always C, tuned.
proc bench::Peer {job args} {
    variable build
    return [list [file join $build bench bench] $job {*}$args -tuned 1]
}

proc bench::Port {channel} {
    return [lindex [Line $channel] 1]
}

proc bench::Scaled {n {least 1}} {
    variable scale
    return [expr {max($least, int($n * $scale))}]
}

#------------------------------------------------------------------------
# Kinds of jobs; each returns a dictionary of what was measured
#------------------------------------------------------------------------

# A client is measured, against a C server.
proc bench::run.client {driver peer job options} {
    set server [Start [Peer $peer {*}[Certificate $options] {*}$options]]
    try {
	set subject [Start [Subject $driver $job {*}$options \
	    -port [Port $server]]]
	set result [Line $subject]
	close $subject
    } finally {
	Kill $server
    }
    return $result
}

# A server is measured, while a C client makes handshakes.
proc bench::run.load {driver options} {
    set server [Start [Subject $driver serve {*}[Certificate $options] \
	{*}[dict remove $options -kind]]]
    try {
	set load [Start [Peer load {*}[dict remove $options -kind] -port [Port $server]]]
	set client [Line $load]
	close $load
	puts $server tell
	set result [Line $server]
    } finally {
	Kill $server
    }
    dict set result wall [dict get $client wall]
    dict set result count [dict get $client count]
    Resumes $options result $client
    return $result
}

# What the load generator resumed, if it offered sessions.
proc bench::Resumes {options resultName client} {
    upvar 1 $resultName result
    dict unset result resumed
    if {[dict exists $options -resume]} {
	dict set result resumed [dict get $client resumed]
    }
}

# A server with many connections; messages go over all of them at once.
proc bench::run.echoes {driver options} {
    set server [Start [Subject $driver serve {*}[Certificate $options] \
	{*}$options]]
    try {
	set load [Start [Peer echoes {*}$options -port [Port $server]]]
	Line $load
	puts $server reset
	Line $server
	puts $load go
	set client [Line $load]
	close $load
	puts $server tell
	set result [Line $server]
    } finally {
	Kill $server
    }
    dict set result wall [dict get $client wall]
    dict set result count [dict get $client count]
    dict unset result resumed
    return $result
}

# A server with idle connections: kB for each, microseconds for an echo on
# each of them in turn (the processor's, of the server).
proc bench::run.idle {driver options} {
    set server [Start [Subject $driver serve {*}[Certificate $options] \
	{*}$options]]
    try {
	set port [Port $server]
	puts $server reset
	set before [dict get [Line $server] rss]
	set load [Start [Peer idle {*}$options -port $port]]
	Line $load
	puts $server reset
	set after [dict get [Line $server] rss]
	puts $load go
	set client [Line $load]
	puts $server tell
	set result [Line $server]
	close $load
    } finally {
	Kill $server
    }
    set conns [dict get $options -conns]
    dict set result kB [format %.2f [expr {($after - $before)
	/ double($conns)}]]
    dict set result wall [dict get $client wall]
    dict set result count $conns
    dict unset result resumed
    return $result
}

# A process without another end.
proc bench::run.alone {driver job options} {
    set subject [Start [Subject $driver $job {*}$options]]
    set result [Line $subject]
    close $subject
    return $result
}

# What [package require] adds to a bare tclsh; with -known where the index of the
# package has been read before.
proc bench::run.require {driver options} {
    variable here
    variable build
    set package [dict get {C none pyossl pyossl tls tls} $driver]
    set words {}
    if {$package eq "pyossl" && [dict exists $options -known]} {
	set words [list "" -index [file join $build pkgIndex.tcl]]
    }
    set count [dict get $options -count]
    set start [clock microseconds]
    for {set i 0} {$i < $count} {incr i} {
	exec [info nameofexecutable] [file join $here subject.tcl] $package "" \
	    {*}$words
    }
    set wall [expr {([clock microseconds] - $start) / 1e6}]
    return [dict create cpu $wall wall $wall count $count]
}

#------------------------------------------------------------------------
# Certificates and other input
#------------------------------------------------------------------------

# The options that name the certificate of a job, made at the first call.
proc bench::Certificate {options} {
    set kind [expr {[dict exists $options -kind] ? [dict get $options -kind]
	: "ec"}]
    return [list -cert [Input $kind.pem] -key [Input $kind.key]]
}

# A file in the scratch folder; it is made when it is first asked for.
proc bench::Input {name} {
    variable scratch
    variable build
    if {$scratch eq ""} {
	set scratch [file join $build bench input-[pid]]
	file mkdir $scratch
    }
    set path [file join $scratch $name]
    if {[file exists $path]} {
	return $path
    }
    set root [file rootname $path]
    switch -glob -- $name {
	ec.* - rsa.* {
	    set key [expr {[string match ec.* $name]
		? {-newkey ec -pkeyopt ec_paramgen_curve:P-256}
		: {-newkey rsa:2048}}]
	    exec openssl req -x509 {*}$key -nodes -days 30 -subj /CN=bench \
		-keyout $root.key -out $root.pem 2>@1
	    exec openssl x509 -in $root.pem -outform DER -out $root.der
	}
	*.crl {
	    exec [file join $build bench bench] makecrl -file $path \
		-key [Input ec.key] -count [lindex [split $name .] 0]
	}
	cas.bundle {
	    set bundle [open $path w]
	    for {set i 0} {$i < [Scaled 150 2]} {incr i} {
		puts $bundle [exec openssl req -x509 -key [Input ec.key] \
		    -days 30 -subj /CN=authority$i 2>@1]
	    }
	    close $bundle
	}
    }
    return $path
}

#------------------------------------------------------------------------
# Medians and the table
#------------------------------------------------------------------------

proc bench::Median {values} {
    set sorted [lsort -real $values]
    set n [llength $sorted]
    return [expr {($n % 2) ? [lindex $sorted [expr {$n / 2}]]
	: ([lindex $sorted [expr {$n / 2 - 1}]]
	    + [lindex $sorted [expr {$n / 2}]]) / 2.0}]
}

# What a job is judged by, of one run: a number where less is better (cpu,
# kB, us, ms), or more (rate).
proc bench::Figure {measure result} {
    switch -- $measure {
	cpu { return [dict get $result cpu] }
	each { return [expr {[dict get $result cpu] * 1e6
	    / max(1, [dict get $result count])}] }
	us { return [expr {[dict get $result wall] * 1e6
	    / max(1, [dict get $result count])}] }
	ms { return [expr {[dict get $result wall] * 1e3
	    / max(1, [dict get $result count])}] }
	kB { return [dict get $result kB] }
	rate { return [expr {[dict get $result count]
	    / max(1e-6, [dict get $result wall])}] }
    }
}

# The drivers of a job that are here.
proc bench::Present {drivers} {
    variable missing
    return [lmap driver $drivers {
	if {$driver in $missing} continue
	set driver
    }]
}

# Does a job: -rounds times each driver in turn.
proc bench::Do {name job} {
    variable rounds
    variable missing
    variable only
    dict with job {
	if {[llength $only]} {
	    set drivers [lmap driver $drivers {
		if {$driver ni $only} continue
		set driver
	    }]
	    if {![llength $drivers]} return
	}
	set present [Present $drivers]
	foreach driver $present {
	    set results($driver) {}
	    set figures($driver) {}
	}
	for {set round 0} {$round < $rounds} {incr round} {
	    foreach driver $present {
		if {[catch {
		    set result [run.[lindex $run 0] $driver \
			{*}[lrange $run 1 end] [Sizes $options]]
		} message]} {
		    # That is a result too, but no figure.
		    puts [format "%-18s %-8s fails: %s" $name $driver $message]
		    set present [lsearch -all -inline -not -exact $present \
			$driver]
		    continue
		}
		lappend results($driver) $result
		lappend figures($driver) [Figure $measure $result]
	    }
	}
	foreach driver $drivers {
	    if {$driver ni $present && $driver ni $missing} {
		continue
	    }
	    if {$driver ni $present} {
		puts [format "%-18s %-8s %s" $name $driver \
		    "missing: not installed here"]
		continue
	    }
	    Row $name $driver $measure $results($driver) $figures($driver) \
		$figures([lindex $present 0]) \
		[expr {"tls" in $present ? $figures(tls) : ""}] \
		[expr {$driver eq "pyossl" ? $goal : ""}]
	}
    }
}

# What a driver's process executes for one more of what a job counts: the
# difference of two runs, so that the start of either does not matter.
proc bench::Instructions {run driver options} {
    variable scale
    set once $scale
    set points {}
    try {
	foreach times {1 3} {
	    set scale [expr {$once * $times}]
	    set result [run.[lindex $run 0] $driver {*}[lrange $run 1 end] \
		[Sizes $options]]
	    set log [open [CountFile]]
	    set text [read $log]
	    close $log
	    if {![regexp {Collected : (\d+)} $text -> count]} {
		error "valgrind has not counted: $text"
	    }
	    lappend points [dict get $result count] $count
	}
    } finally {
	set scale $once
    }
    lassign $points n1 count1 n3 count3
    if {$n1 == $n3} {
	error "the job has one size only"
    }
    return [expr {($count3 - $count1) / double($n3 - $n1)}]
}

# Counts the instructions of a job, each driver once: they hardly vary.
proc bench::Count {name job} {
    variable only
    variable missing
    set run [dict get $job run]
    if {[lindex $run 0] eq "require"} {
	puts [format "%-18s %s" $name "starts processes of its own: not counted"]
	return
    }
    set first ""
    foreach driver [dict get $job drivers] {
	if {[llength $only] && $driver ni $only} {
	    continue
	}
	if {$driver in $missing} {
	    puts [format "%-18s %-8s %s" $name $driver "missing: not installed here"]
	    continue
	}
	if {[catch {Instructions $run $driver [dict get $job options]} each]} {
	    puts [format "%-18s %-8s fails: %s" $name $driver $each]
	    continue
	}
	if {$first eq ""} {
	    set first $each
	}
	set unit [expr {[dict exists $job options -bytes] ? "byte" : "one"}]
	puts [format "%-18s %-8s %14.2f %-5s %7.2f" $name $driver $each $unit \
	    [expr {$each / $first}]]
	flush stdout
    }
}

# The ratio of two drivers: the median of those of the rounds.
proc bench::Ratio {mine others} {
    if {![llength $others]} {
	return "-"
    }
    set ratios [lmap a $mine b $others {
	expr {$b == 0 ? 0.0 : double($a) / $b}
    }]
    return [format %.2f [Median $ratios]]
}

proc bench::Row {name driver measure results figures first tls goal} {
    set cpu [Median [lmap result $results {dict get $result cpu}]]
    set more ""
    if {[dict exists [lindex $results 0] resumed]} {
	set last [lindex $results end]
	set more "[dict get $last resumed] of [dict get $last count] resumed"
    }
    puts [format "%-18s %-8s %12.2f %-5s %9.3f %7s %7s %7s  %s" $name $driver \
	[Median $figures] [dict get {
	    cpu "s" each "us" us "us" ms "ms" kB "kB" rate "/s"
	} $measure] $cpu [Ratio $figures $first] [Ratio $figures $tls] \
	$goal $more]
    flush stdout
}

# What the options of a job are at this scale: N* is scaled, @NAME an input.
proc bench::Sizes {options} {
    set result {}
    foreach {name value} $options {
	if {[regexp {^(\d+)\*$} $value -> n]} {
	    set value [Scaled $n]
	} elseif {[string match @* $value]} {
	    set value [Input [string range $value 1 end]]
	}
	lappend result $name $value
    }
    return $result
}

#------------------------------------------------------------------------
# The beginning
#------------------------------------------------------------------------

proc bench::Machine {} {
    set model "unknown processor"
    catch {
	set channel [open /proc/cpuinfo]
	regexp -line {^model name\s*: (.*)$} [read $channel] -> model
	close $channel
    }
    set versions "Tcl [info patchlevel], [exec openssl version]"
    if {![catch {package require tls} version]} {
	append versions ", tls $version"
    }
    puts "$model, [exec getconf _NPROCESSORS_ONLN] processors,\
	$::tcl_platform(os) $::tcl_platform(osVersion)"
    puts $versions
}

proc bench::main {argv} {
    variable build
    variable rounds
    variable scale
    variable only
    variable missing
    variable scratch
    variable jobs
    variable counting
    set list 0
    while {[string match -* [lindex $argv 0]]} {
	set argv [lassign $argv name]
	switch -- $name {
	    -build - -rounds - -scale {
		set argv [lassign $argv [string range $name 1 end]]
	    }
	    -drivers { set argv [lassign $argv only] }
	    -list { set list 1 }
	    -instructions {
		set counting 1
		set scale [expr {$scale == 1.0 ? 0.05 : $scale}]
	    }
	    default { error "unknown option $name" }
	}
    }
    set chosen [dict filter $jobs script {name job} {
	expr {![llength $argv] || [lsearch -exact [lmap pattern $argv {
	    string match $pattern $name
	}] 1] >= 0}
    }]
    if {![dict size $chosen]} {
	error "no job is called $argv"
    }
    if {$list} {
	puts [join [dict keys $chosen] \n]
	return
    }
    set build [file normalize $build]
    set ::env(TCLLIBPATH) [list $build]
    if {[catch {package require tls}]} {
	lappend missing tls
    }
    Machine
    if {$counting} {
	if {[auto_execok valgrind] eq ""} {
	    error "valgrind is needed to count instructions"
	}
	puts "Instructions in user mode, as valgrind's callgrind counts them;\
	    ratios to the first driver of the job."
	puts [format "%-18s %-8s %14s %-5s %7s" job driver instructions each ratio]
    } else {
	puts "Medians of $rounds runs each; ratios to the first driver of the job\
	    and to tls, medians too."
	puts [format "%-18s %-8s %12s %-5s %9s %7s %7s %7s" job driver figure \
	    unit "CPU s" ratio "to tls" goal]
    }
    try {
	dict for {name job} $chosen {
	    if {$counting} {
		Count $name $job
	    } else {
		Do $name $job
	    }
	}
    } finally {
	file delete [CountFile]
	if {$scratch ne ""} {
	    file delete -force $scratch
	}
    }
}

if {[catch {bench::main $argv} message]} {
    puts stderr "bench.tcl: $message"
    puts stderr $::errorInfo
    exit 1
}
