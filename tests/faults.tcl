# faults.tcl --
#
#	For the tests in which things go wrong: starts tests/faultlab.tcl in a
#	process with faults.so preloaded, which "make" builds when it is asked
#	for; and compares how many faults were tried with the table in
#	doc/security.md.  Sourced after common.tcl.
#
#	faulty SCRIPT	runs the script there, and returns what it printed
#	tally ROW COUNT	notes that so many faults were tried for a row
#	tallies ROW ...	{row count ...} as the tests noted them, and as the
#			table in doc/security.md has them: "" if they are the
#			same

# faultlib -- the library, built if need be; empty where it cannot be.
proc faultlib {} {
    variable faultlib
    if {![info exists faultlib]} {
	set faultlib ""
	if {$::tcl_platform(os) eq "Linux" && [info exists ::env(PYOSSL_BUILD)]
		&& [auto_execok make] ne ""} {
	    set build $::env(PYOSSL_BUILD)
	    if {[catch {exec make -s -C $build faults.so 2>@1} message]} {
		puts stderr "faults.tcl: $message"
	    } else {
		set faultlib [file join $build faults.so]
	    }
	}
    }
    return $faultlib
}
common::peerConstraint faults [expr {[faultlib] ne ""
	|| $::tcl_platform(os) ne "Linux"}]
testConstraint faults [expr {[faultlib] ne ""}]

# The words of childtclsh with one more library preloaded.  It comes before the
# sanitizer's, which has these calls in its hands too: seen from behind it
# they would all be its own.
proc faultytclsh {} {
    set words [childtclsh]
    set index [lsearch -glob $words LD_PRELOAD=*]
    if {$index < 0} {
	return [list env LD_PRELOAD=[faultlib] {*}$words]
    }
    lset words $index [string map [list LD_PRELOAD= LD_PRELOAD=[faultlib]:] \
	    [lindex $words $index]]
    return [lmap word $words {
	expr {[string match ASAN_OPTIONS=* $word]
		? "$word:verify_asan_link_order=0" : $word}
    }]
}

proc faulty {script} {
    set path [testfile faulty.tcl "
	set auto_path [list $::auto_path]
	set certdir [list [certs::dir]]
	set faultlib [list [faultlib]]
	source [list [file join $::common::here faultlab.tcl]]
	$script
    "]
    set peer [startpeer [list {*}[faultytclsh] $path]]
    closestdin $peer
    try {
	lassign [waitpeer $peer 120000] status output
    } finally {
	file delete $path
    }
    if {$status ne "0"} {
	return "status $status: $output"
    }
    return [string trim $output]
}

# judged ROW OUTPUT -- notes the number of faults tried, and returns what was
# wrong; {} if nothing was and most of the faults struck.
proc judged {row output} {
    if {[catch {dict get $output wrong} wrong]} {
	return $output
    }
    tally $row [dict get $output tried]
    if {[dict get $output struck] < [dict get $output tried] / 2} {
	return "only [dict get $output struck] of [dict get $output tried] struck"
    }
    return [join $wrong \n]
}

set tally {}
proc tally {row count} {
    dict incr ::tally $row $count
}

# The rows {name count} of the table in doc/security.md.
proc table {} {
    set channel [open [file join $::common::here .. doc security.md]]
    fconfigure $channel -encoding utf-8
    set text [read $channel]
    close $channel
    set rows {}
    foreach {- row count} [regexp -all -inline -line \
	    {^\| `([a-z0-9-]+)` \|.*\| ([\d,]+) \|$} $text] {
	dict set rows $row [string map {, {}} $count]
    }
    return $rows
}

proc tallies {args} {
    set wrong {}
    set rows [table]
    foreach row $args {
	set counted [expr {[dict exists $::tally $row]
		? [dict get $::tally $row] : 0}]
	set written [expr {[dict exists $rows $row]
		? [dict get $rows $row] : "missing"}]
	if {$counted ne $written} {
	    lappend wrong "$row: $counted counted, $written in the table"
	}
    }
    return [join $wrong \n]
}
