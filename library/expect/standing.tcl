# standing.tcl --
#
#	expect_before and expect_after: patterns that stand before or after
#	those of every expect.
#
#	They are kept for the endpoints that they were given for: for each new
#	set of patterns the old ones of the same endpoints go.

namespace eval ::pyossl::expect {
    variable standing {before {} after {}}
    variable standingSerial 0	;# another one after each change
}

# expect_before ?arg ...? --
#	Patterns as for expect, which come first in every expect from now on.
# Arguments:
#	-info ?-i id|-all?	tells the present ones instead, in a form that
#			expect_before takes.
#	Without a pattern those of the endpoint end.
# Source:
#	expect_before of expect(1)
proc ::pyossl::expect::expect_before {args} {
    return [Stand before $args]
}

# expect_after ?arg ...? --
#	The same, for patterns that come last.
# Source:
#	expect_after of expect(1)
proc ::pyossl::expect::expect_after {args} {
    return [Stand after $args]
}

proc ::pyossl::expect::Stand {when words} {
    variable standing
    variable standingSerial
    if {[lindex $words 0] eq "-info"} {
	return [StandingInfo $when [lrange $words 1 end] 3]
    }
    set spec [arguments::Parse $words 2]
    set patterns [dict get $spec patterns]
    set wheres [dict get $spec watch]
    foreach pattern $patterns {
	lappend wheres [lindex $pattern 1]
    }
    set kept [dict get $standing $when]
    foreach where [lsort -unique $wheres] {
	set kept [Without $kept $where]
    }
    dict set standing $when [concat $kept $patterns]
    incr standingSerial
    return
}

# Patterns without those for an endpoint.
proc ::pyossl::expect::Without {patterns where} {
    set kept {}
    foreach pattern $patterns {
	set mine [lindex $pattern 1]
	if {$mine eq $where} {
	    continue
	}
	if {[lindex $mine 0] eq "ids" && [lindex $where 0] eq "ids"} {
	    set left [lmap id [lindex $mine 1] {
		if {$id in [lindex $where 1]} continue
		set id
	    }]
	    if {[llength $left] == 0} {
		continue
	    }
	    lset pattern 1 [list ids $left]
	}
	lappend kept $pattern
    }
    return $kept
}

# StandingRestore saved --
#	Puts back what the variable standing was before, but for endpoints that
#	are no more.
proc ::pyossl::expect::StandingRestore {saved} {
    variable standing
    variable standingSerial
    if {$standing eq $saved} {
	return
    }
    foreach when {before after} {
	set kept [dict get $saved $when]
	foreach pattern $kept {
	    set where [lindex $pattern 1]
	    if {[lindex $where 0] ne "ids"} {
		continue
	    }
	    foreach id [lindex $where 1] {
		if {$id ni [endpoint::ids]} {
		    set kept [Without $kept [list ids [list $id]]]
		}
	    }
	}
	dict set standing $when $kept
    }
    incr standingSerial
}

# Standing when -- the patterns that stand before or after others.
proc ::pyossl::expect::Standing {when} {
    variable standing
    return [dict get $standing $when]
}

# An endpoint that is closed takes its standing patterns with it.
proc ::pyossl::expect::ForgetStanding {id} {
    variable standing
    variable standingSerial
    foreach when {before after} {
	if {[llength [dict get $standing $when]]} {
	    dict set standing $when [Without [dict get $standing $when] \
		[list ids [list $id]]]
	    incr standingSerial
	}
    }
}

# What expect_before -info tells.
proc ::pyossl::expect::StandingInfo {when words level} {
    variable standing
    set all 0
    set where ""
    while {[llength $words]} {
	set words [lassign $words flag]
	switch -- $flag {
	    -all { set all 1 }
	    -indirect { }
	    -i {
		set where [arguments::Where [lindex $words 0] $level]
		set words [lrange $words 1 end]
	    }
	    default {
		return -code error -level 2 -errorcode \
		    [list TCL LOOKUP INDEX flag $flag] \
		    "bad flag \"$flag\": must be -all, -i or -indirect"
	    }
	}
    }
    if {$where eq "" && !$all} {
	set where [arguments::Default "" $level]
    }
    set result {}
    set last ""
    foreach pattern [dict get $standing $when] {
	set mine [lindex $pattern 1]
	if {!$all && ![Overlaps $mine $where]} {
	    continue
	}
	if {$all && $mine ne $last} {
	    lappend result -i [expr {[lindex $mine 0] eq "variable"
		? [lindex $mine 2] : $mine eq "any" ? "any"
		: [lindex $mine 1]}]
	    set last $mine
	}
	lappend result {*}[Words $pattern]
    }
    return $result
}

proc ::pyossl::expect::Overlaps {a b} {
    if {$a eq $b} {
	return 1
    }
    foreach id [arguments::Ids $a] {
	if {$id in [arguments::Ids $b]} {
	    return 1
	}
    }
    return 0
}

# A pattern as the words that make it.
proc ::pyossl::expect::Words {pattern} {
    lassign $pattern kind where argument options body
    set words {}
    foreach option {nocase notransfer indices timestamp} {
	if {[dict exists $options $option]} {
	    lappend words -$option
	}
    }
    switch -- $kind {
	gl - re - ex {
	    lappend words -$kind $argument
	}
	message - record - error - closed {
	    lappend words -$kind $argument
	}
	alert {
	    lappend words -alert {*}[expr {[dict exists $options level]
		? [list [dict get $options level]] : {}}] $argument
	}
	established - accept {
	    lappend words -$kind
	}
	default {
	    lappend words $kind
	}
    }
    if {[dict exists $options from]} {
	lappend words -from [dict get $options from]
    }
    return [linsert $words end $body]
}
