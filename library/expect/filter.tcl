# filter.tcl --
#
#	Wire filters: between the engine of an endpoint and its transport stand
#	command prefixes which get each record and say what goes on.
#
#	    engine -> out: first, second, ... -> transport
#	    transport -> in: first, second, ... -> engine
#
#	A record is a dict: direction (out, in), type, version, length,
#	fragment, and number: 1 for the first record of its direction, 0 for one
#	that another filter has put in. encrypted is 1 where the fragment is
#	ciphertext. What a filter returns is a list of such dicts, of which type,
#	version and fragment are looked at, and length, where it is not that of
#	the fragment because the filter has changed it.
#
#	The ready filters are made of a procedure and a state; those that keep
#	records back get them out at the end of a flight (Flush), or later.

namespace eval ::pyossl::expect::filter {
    variable serial 0
    variable states	;# array: handle -> dict of the state
    array set states {}
    # Name -> the arguments it takes.
    variable ready {
	drop {N} duplicate {N} swap {N M} corrupt {N OFFSET MASK}
	fragment {SIZE} coalesce {} delay {MS} truncate {N} inject {N RECORD}
    }
}

namespace eval ::pyossl::expect {
    variable wireUsage "wire id out|in ?-protected boolean? ?filter?"
}

# wire id out|in ?-protected boolean? ?filter? --
# wire id reset --
#	Puts a filter behind those that an endpoint has in a direction; reset
#	takes all of them off, and what they held back goes on. Without a filter
#	it tells those that there are.
# Arguments:
#	filter	drop N, duplicate N, swap N M, corrupt N OFFSET MASK, fragment
#		SIZE, coalesce, delay MS, truncate N, inject N RECORD, where N
#		is the number of a record, 1 for the first of its direction (* in
#		drop, duplicate and corrupt: every one); or a command prefix,
#		which gets a record and returns a list of records.
#		    corrupt	exclusive-ors the byte at OFFSET (end: the last
#				one) of the fragment with MASK
#		    fragment	cuts plain handshake records into pieces
#		    coalesce	joins plain handshake records that follow
#				each other
#		    truncate	lets N records through and ends the transport
#		    inject	puts RECORD (type, version, fragment) before
#				record N
#	-protected	1: the filter stands between the engine and its
#		encryption. Records come decrypted, with protected 1, and are
#		encrypted when they go on; padding is the number of zeros behind
#		them in TLS 1.3. Not for coalesce, delay and truncate, nor for
#		suites that are no AEAD.
# Errors:
#	PYOSSL EXPECT VALUE for arguments that make no sense, PYOSSL EXPECT KIND
#	for an endpoint without an engine. Where a filter fails, or does not
#	return a list of records, the record that it was given is lost, and the
#	endpoint has an error, {PYOSSL EXPECT FILTER FILTER}: for -error, else
#	the next expect on this endpoint raises it.
proc ::pyossl::expect::wire {args} {
    variable wireUsage
    if {[llength $args] < 2} {
	return -code error -errorcode {TCL WRONGARGS} \
	    "wrong # args: should be \"$wireUsage\" or \"wire id reset\""
    }
    set args [lassign $args id direction]
    endpoint::Check $id 1
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {![info exists e(filters,out)]} {
	return -code error -errorcode [list PYOSSL EXPECT KIND $e(kind)] \
	    "there is no engine in $id that a filter could stand behind"
    }
    if {$direction eq "reset"} {
	if {[llength $args]} {
	    return -code error -errorcode {TCL WRONGARGS} \
		"wrong # args: should be \"wire id reset\""
	}
	filter::Reset $id
	return
    }
    if {$direction ni {out in}} {
	return -code error -errorcode [list TCL LOOKUP INDEX direction \
	    $direction] "bad direction \"$direction\": must be out, in or reset"
    }
    if {[llength $args] == 0} {
	return [lmap row [concat $e(guards,$direction) $e(filters,$direction)] {
	    lindex $row 0
	}]
    }
    set protected 0
    if {[lindex $args 0] eq "-protected"} {
	if {[llength $args] < 3} {
	    return -code error -errorcode {TCL WRONGARGS} \
		"wrong # args: should be \"$wireUsage\""
	}
	set args [lassign $args - protected]
	if {![string is boolean -strict $protected]} {
	    return -code error -errorcode \
		[list PYOSSL EXPECT VALUE $protected] \
		"-protected must be a boolean, not \"$protected\""
	}
    }
    # wire ID out drop 1 is as good as wire ID out {drop 1}.
    set words [lindex $args 0]
    if {[llength $args] > 1} {
	set words $args
    }
    if {$protected} {
	protect::Guard $id $direction $words
	return
    }
    lappend e(filters,$direction) [list $words [filter::Prefix $words]]
    return
}

# The command prefix of a filter; the ready ones get a state of their own.
proc ::pyossl::expect::filter::Prefix {words} {
    variable ready
    variable serial
    variable states
    if {![string is list $words] || [llength $words] == 0} {
	return -code error -level 2 -errorcode \
	    [list PYOSSL EXPECT VALUE $words] \
	    "a filter is a command prefix, a list, not \"$words\""
    }
    set name [lindex $words 0]
    if {![dict exists $ready $name]} {
	# It would fail at the first record; here it can be seen why.
	if {[namespace eval :: [list namespace which -command $name]] eq ""
		&& ![uplevel #0 [list auto_load $name]]} {
	    return -code error -level 2 -errorcode \
		[list PYOSSL EXPECT VALUE $words] "there is no command\
		\"[OneLine $name]\" that could be a filter; the ready ones are\
		[join [lsort [dict keys $ready]] {, }]"
	}
	return $words
    }
    set wanted [dict get $ready $name]
    if {[llength $words] - 1 != [llength $wanted]} {
	return -code error -level 2 -errorcode {TCL WRONGARGS} \
	    "wrong # args: should be \"[string trim "$name $wanted"]\""
    }
    set state [dict create held {}]
    foreach key $wanted value [lrange $words 1 end] {
	dict set state $key [Argument $name $key $value]
    }
    if {$name eq "swap" && [dict get $state N] == [dict get $state M]} {
	return -code error -level 2 -errorcode \
	    [list PYOSSL EXPECT VALUE [dict get $state M]] \
	    "N and M of swap must be two records, not [dict get $state N] twice"
    }
    set handle ready[incr serial]
    set states($handle) $state
    return [list ::pyossl::expect::filter::$name $handle]
}

# An argument of a ready filter, looked at.
proc ::pyossl::expect::filter::Argument {name key value} {
    switch -- $key {
	N - M - SIZE {
	    if {$value eq "*" && $name in {drop duplicate corrupt}} {
		return $value
	    }
	    if {[string is integer -strict $value]
		    && $value >= ($name ne "truncate")} {
		return $value
	    }
	    set wanted "a positive integer"
	}
	MASK {
	    if {[string is integer -strict $value] && $value >= 0
		    && $value <= 255} {
		return $value
	    }
	    set wanted "a byte, 0 to 255"
	}
	MS {
	    if {[string is integer -strict $value] && $value >= 0} {
		return $value
	    }
	    set wanted "a number of milliseconds"
	}
	OFFSET {
	    if {[regexp {^(\d+|end(-\d+)?)$} $value]} {
		return $value
	    }
	    set wanted "an index in the fragment"
	}
	RECORD {
	    if {![catch {::pyossl::expect::record::bytes $value} message]} {
		return $value
	    }
	    set wanted "a dict with type, version and fragment"
	    if {![catch {
		expr {[dict exists $value type] && [dict exists $value version]
			&& [dict exists $value fragment]}
	    } whole] && $whole} {
		# It is one, with something in it that can be in no record.
		return -code error -level 3 -errorcode \
		    [list PYOSSL EXPECT VALUE $value] "$key of $name: $message"
	    }
	}
    }
    return -code error -level 3 -errorcode [list PYOSSL EXPECT VALUE $value] \
	"$key of $name must be $wanted, not \"$value\""
}

#------------------------------------------------------------------------
# Running them
#------------------------------------------------------------------------

# FilterRun id direction record --
#	A record through all filters of a direction.
# Results:
#	The records that go on. After an error in a filter there are none of it.
proc ::pyossl::expect::FilterRun {id direction record} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    dict set record direction $direction
    dict set record encrypted [Encrypted $id $direction $record]
    set before $record
    set records [list $record]
    if {$direction eq "out" && [info exists e(protect,out)]} {
	set records [filter::Protected $id out $record]
    }
    set records [filter::Through $id $direction $records 0]
    if {$direction eq "in" && [info exists e(protect,in)]} {
	set records [concat {*}[lmap one $records {
	    filter::Protected $id in $one
	}]]
    }
    if {[llength $records] == 0} {
	event::add $id [dict create kind filter direction $direction \
	    record $before]
    }
    return $records
}

# Is the fragment of a record ciphertext?
proc ::pyossl::expect::Encrypted {id direction record} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    set type [dict get $record type]
    if {$type eq "application_data"} {
	return 1
    }
    if {$type eq "change_cipher_spec"} {
	set e(after,$direction) 1
	return 0
    }
    # After its ChangeCipherSpec a side of TLS 1.2 encrypts all. The one of
    # TLS 1.3 means nothing, and there only application_data is encrypted.
    return [info exists e(after,$direction)]
}

# Records through the filters from a place in the row on.
proc ::pyossl::expect::filter::Through {id direction records from} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    foreach row [lrange $e(filters,$direction) $from end] {
	set next {}
	foreach record $records {
	    lappend next {*}[Call $id $row $record]
	}
	set records $next
    }
    return $records
}

# A record through the protected filters. That they stand there asks for keys,
# which the suite may not have.
proc ::pyossl::expect::filter::Protected {id direction record} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {[catch {
	::pyossl::expect::protect::Pass $id $direction $record
    } result]} {
	Trouble $id [expr {[llength $e(guards,$direction)]
	    ? [lindex $e(guards,$direction) 0 0] : "-protected"}] $result
	return
    }
    return $result
}

# Text of several lines in one, and not too long.
proc ::pyossl::expect::filter::OneLine {text} {
    set text [regsub -all {\s+} [string trim $text] " "]
    if {[string length $text] > 200} {
	set text [string range $text 0 196]...
    }
    return $text
}

# A filter has failed. Its record must not go on as if nothing had stood in its
# way: it is lost, and the endpoint has an error.
proc ::pyossl::expect::filter::Trouble {id words cause} {
    ::pyossl::expect::tls::Error $id \
	"the filter \"[OneLine $words]\" failed: [OneLine $cause]" \
	[list PYOSSL EXPECT FILTER $words]
}

# One filter on one record.
proc ::pyossl::expect::filter::Call {id row record} {
    lassign $row words prefix
    set ready [string match ::pyossl::expect::filter::* [lindex $prefix 0]]
    if {[catch {
	if {$ready} {
	    {*}$prefix $id $record
	} else {
	    set result {}
	    # What is no list fails here, with Tcl's own words for it.
	    foreach one [uplevel #0 [list {*}$prefix $record]] {
		lappend result [Checked $one $record]
	    }
	    set result
	}
    } result info]} {
	if {[dict get $info -code] != 1} {
	    set result "it ended with the code [dict get $info -code]"
	}
	Trouble $id $words $result
	return
    }
    return $result
}

# A record that a script has returned, made whole: the length is that of the
# fragment unless the script has set another.
proc ::pyossl::expect::filter::Checked {one record} {
    if {![string is list $one] || [llength $one] % 2} {
	error "a filter must return a list of records, not \"$one\""
    }
    if {![dict exists $one fragment]} {
	error "a record must have a fragment; \"$one\" has none"
    }
    set one [dict merge [dict create number 0 \
	type [dict get $record type] version [dict get $record version] \
	direction [dict get $record direction] encrypted 0] $one]
    set length [string length [dict get $one fragment]]
    if {![dict exists $one length]
	    || ([dict get $one length] == [dict get $record length]
	    && [dict get $one fragment] ne [dict get $record fragment])} {
	dict set one length $length
    }
    # What cannot be a record is better refused here.
    ::pyossl::expect::record::bytes $one
    return $one
}

# FilterFlush id direction --
#	The end of a flight: filters that wait for more records only within one
#	let go of them.
proc ::pyossl::expect::FilterFlush {id direction} {
    filter::Release $id $direction coalesce
}

# What a filter holds back, which it does not hold any longer.
proc ::pyossl::expect::filter::Held {row} {
    variable states
    lassign [lindex $row 1] command handle
    # A script's own filter holds nothing that is known here.
    if {![string match ::pyossl::expect::filter::* $command]
	    || ![info exists states($handle)]} {
	return
    }
    set held [dict get $states($handle) held]
    if {[llength $held]} {
	dict set states($handle) held {}
	Still $handle
    }
    return $held
}

# The same behind the protected filters, where it is sealed.
proc ::pyossl::expect::filter::HeldProtected {id direction row {guards {}}} {
    return [concat {*}[lmap record [Held $row] {
	::pyossl::expect::protect::Sealed $id $direction 1 $record $guards
    }]]
}

# filter::Release id direction ?name? --
#	What the filters of a direction hold back, or those of one name, goes on
#	through those behind them.
proc ::pyossl::expect::filter::Release {id direction {name *}} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    set n 0
    foreach row $e(filters,$direction) {
	incr n
	if {[string match ::pyossl::expect::filter::$name [lindex $row 1 0]]} {
	    Onward $id $direction [Held $row] $n
	}
    }
}

# filter::End id direction --
#	Before the output of an endpoint ends, or its input: nothing that came
#	before can come after that.
proc ::pyossl::expect::filter::End {id direction} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    if {![info exists e(filters,$direction)]} {
	return
    }
    if {$direction eq "in"} {
	Release $id in
    }
    set n 0
    foreach row $e(guards,$direction) {
	set records [HeldProtected $id $direction $row \
	    [lrange $e(guards,$direction) [incr n] end]]
	if {$direction eq "out"} {
	    set records [Through $id out $records 0]
	}
	Go $id $direction $records
    }
    if {$direction eq "out"} {
	Release $id out
    }
}

# Records go on from a place in the row of filters.
proc ::pyossl::expect::filter::Onward {id direction records from} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    set records [Through $id $direction $records $from]
    if {$direction eq "in" && [info exists e(protect,in)]} {
	set records [concat {*}[lmap one $records {Protected $id in $one}]]
    }
    Go $id $direction $records
}

# Records go on, out on the wire or into the engine.
proc ::pyossl::expect::filter::Go {id direction records} {
    foreach record $records {
	if {$direction eq "out"} {
	    ::pyossl::expect::tls::Wire $id $record
	} else {
	    ::pyossl::expect::tls::Feed $id \
		[::pyossl::expect::record::bytes $record]
	}
    }
    if {$direction eq "out"} {
	::pyossl::expect::tls::Flush $id
    }
}

# wire ID reset
proc ::pyossl::expect::filter::Reset {id} {
    variable states
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    foreach direction {out in} {
	set rows $e(filters,$direction)
	set guards $e(guards,$direction)
	set e(filters,$direction) {}
	set e(guards,$direction) {}
	foreach row $rows {
	    Go $id $direction [Held $row]
	}
	foreach row $guards {
	    Go $id $direction [HeldProtected $id $direction $row]
	}
	foreach row [concat $rows $guards] {
	    Drop $row
	}
    }
}

# A ready filter lets go of nothing by itself any more.
proc ::pyossl::expect::filter::Still {handle} {
    variable states
    if {[dict exists $states($handle) timers]} {
	foreach timer [dict get $states($handle) timers] {
	    after cancel $timer
	}
	dict set states($handle) timers {}
    }
}

# The state of a ready filter that is taken off goes, with its timers.
proc ::pyossl::expect::filter::Drop {row} {
    variable states
    lassign [lindex $row 1] command handle
    if {[string match ::pyossl::expect::filter::* $command]} {
	Still $handle
	unset states($handle)
    }
}

# The filters of an endpoint that has ended: what they still hold is lost.
proc ::pyossl::expect::filter::Forget {id} {
    variable states
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    foreach direction {out in} {
	foreach row [concat $e(filters,$direction) $e(guards,$direction)] {
	    Drop $row
	}
	set e(filters,$direction) {}
	set e(guards,$direction) {}
    }
}

#------------------------------------------------------------------------
# The ready ones: handle id record -> records
#------------------------------------------------------------------------

# Is a record the one that a filter is for?
proc ::pyossl::expect::filter::Is {handle record {key N}} {
    variable states
    set wanted [dict get $states($handle) $key]
    return [expr {$wanted eq "*" ? [dict get $record number] > 0
	: [dict get $record number] == $wanted}]
}

proc ::pyossl::expect::filter::drop {handle id record} {
    return [expr {[Is $handle $record] ? {} : [list $record]}]
}

proc ::pyossl::expect::filter::duplicate {handle id record} {
    set copy $record
    dict set copy number 0
    return [expr {[Is $handle $record] ? [list $record $copy]
	: [list $record]}]
}

# The earlier of the two waits, with all that comes between, for the later.
proc ::pyossl::expect::filter::swap {handle id record} {
    variable states
    lassign [lsort -integer [list [dict get $states($handle) N] \
	[dict get $states($handle) M]]] first second
    set number [dict get $record number]
    set held [dict get $states($handle) held]
    if {$number != $first && [llength $held] == 0} {
	return [list $record]
    }
    if {$number == $second} {
	dict set states($handle) held {}
	return [concat [list $record] [lrange $held 1 end] \
	    [lrange $held 0 0]]
    }
    dict set states($handle) held [linsert $held end $record]
    return {}
}

proc ::pyossl::expect::filter::corrupt {handle id record} {
    variable states
    if {![Is $handle $record]} {
	return [list $record]
    }
    set fragment [dict get $record fragment]
    set at [dict get $states($handle) OFFSET]
    set byte [string index $fragment $at]
    if {$byte eq ""} {
	error "record [dict get $record number] has no byte at $at: its\
	    fragment has [string length $fragment] bytes"
    }
    scan $byte %c code
    set mask [dict get $states($handle) MASK]
    dict set record fragment [string replace $fragment $at $at \
	[binary format c [expr {$code ^ $mask}]]]
    return [list $record]
}

# Is a record one whose fragments can be cut and joined?
proc ::pyossl::expect::filter::Plain {record} {
    return [expr {[dict get $record type] eq "handshake"
	&& ![dict get $record encrypted]}]
}

proc ::pyossl::expect::filter::fragment {handle id record} {
    variable states
    set size [dict get $states($handle) SIZE]
    set fragment [dict get $record fragment]
    if {![Plain $record] || [string length $fragment] <= $size} {
	return [list $record]
    }
    set records {}
    for {set at 0} {$at < [string length $fragment]} {incr at $size} {
	set piece [string range $fragment $at [expr {$at + $size - 1}]]
	dict set record fragment $piece
	dict set record length [string length $piece]
	lappend records $record
	dict set record number 0
    }
    return $records
}

proc ::pyossl::expect::filter::coalesce {handle id record} {
    variable states
    set held [dict get $states($handle) held]
    if {![Plain $record]} {
	dict set states($handle) held {}
	return [linsert $held end $record]
    }
    if {[llength $held]} {
	set last [lindex $held end]
	set joined [dict get $last fragment][dict get $record fragment]
	if {[dict get $last version] eq [dict get $record version]
		&& [string length $joined] <= 16384} {
	    dict set last fragment $joined
	    dict set last length [string length $joined]
	    dict set states($handle) held [lreplace $held end end $last]
	    return {}
	}
    }
    dict set states($handle) held [list $record]
    return $held
}

# Each record waits for itself; since all wait the same time, they stay in
# their order.
proc ::pyossl::expect::filter::delay {handle id record} {
    variable states
    dict set states($handle) held \
	[linsert [dict get $states($handle) held] end $record]
    dict lappend states($handle) timers [after \
	[dict get $states($handle) MS] \
	[list ::pyossl::expect::filter::Delayed $handle $id \
	[dict get $record direction]]]
    return {}
}

# The first record that a delay holds goes on.
proc ::pyossl::expect::filter::Delayed {handle id direction} {
    variable states
    dict set states($handle) timers \
	[lrange [dict get $states($handle) timers] 1 end]
    set held [lassign [dict get $states($handle) held] record]
    dict set states($handle) held $held
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    set n 0
    foreach row $e(filters,$direction) {
	incr n
	if {[lindex $row 1 1] eq $handle} {
	    break
	}
    }
    Onward $id $direction [list $record] $n
}

proc ::pyossl::expect::filter::truncate {handle id record} {
    variable states
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    set last [dict get $states($handle) N]
    set number [dict get $record number]
    if {$number >= $last} {
	set e(cut,[dict get $record direction]) 1
    }
    return [expr {$number <= $last ? [list $record] : {}}]
}

proc ::pyossl::expect::filter::inject {handle id record} {
    variable states
    if {![Is $handle $record]} {
	return [list $record]
    }
    set new [dict merge [dict create number 0 encrypted 0 \
	direction [dict get $record direction]] \
	[dict get $states($handle) RECORD]]
    if {![dict exists $new length]} {
	dict set new length [string length [dict get $new fragment]]
    }
    return [list $new $record]
}
