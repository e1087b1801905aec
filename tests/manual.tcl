# manual.tcl --
#
#	Reads tests/manual.tsv and the test files, for manual.test.
#
#	manual::rows		a dict for each line of manual.tsv
#	manual::tests FILE	{name text title} of each test in FILE.test; the
#				text is that of the whole command at top level,
#				with the table that a loop makes tests of

package require Tcl 8.6-

namespace eval manual {
    variable here [file dirname [file normalize [info script]]]
    variable columns {section kind entry form min max tests}
}

proc manual::read {name} {
    variable here
    set channel [open [file join $here $name]]
    try {
	fconfigure $channel -encoding utf-8
	return [::read $channel]
    } finally {
	close $channel
    }
}

proc manual::rows {} {
    variable columns
    set rows {}
    set number 0
    foreach line [split [read manual.tsv] \n] {
	incr number
	if {$line eq "" || [string match #* $line]} {
	    continue
	}
	set row [list line $number]
	foreach name $columns value [split $line \t] {
	    dict set row $name $value
	}
	lappend rows $row
    }
    return $rows
}

proc manual::tests {file} {
    variable cache
    if {[info exists cache($file)]} {
	return $cache($file)
    }
    set result {}
    set command ""
    foreach line [split [read $file.test] \n] {
	append command $line \n
	if {![info complete $command]} {
	    continue
	}
	foreach {- name title} [regexp -all -inline -line \
		{^\s*test (\S+) [\{"](.*)[\}"]} $command] {
	    lappend result [list $name $command $title]
	}
	set command ""
    }
    return [set cache($file) $result]
}
