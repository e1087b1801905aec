# pattern.tcl --
#
#	One pattern tried on one endpoint.
#
#	A pattern is a list {kind where argument options body}:
#	    kind	gl re ex null		text
#			message alert record established accept closed error
#			eof timeout full_buffer default
#	    where	{ids LIST}, {variable NAME} or any; see arguments.tcl
#	    argument	the glob, regular expression, string, name ...
#	    options	a dict: nocase notransfer indices timestamp; from, level
#
#	What has matched is a dict of the elements of expect_out; an empty one
#	is no match.

namespace eval ::pyossl::expect::pattern {
    # The glob patterns seen, each with its regular expression.
    variable globs {}
    variable textKinds {gl re ex null}
    variable eventKinds {message alert record established accept error}
}

#------------------------------------------------------------------------
# Text
#------------------------------------------------------------------------

# pattern::Text pattern id --
#	Tries a text pattern on the buffer of an endpoint, and takes what has
#	matched out of it.
# Results:
#	The elements of expect_out, or nothing.
proc ::pyossl::expect::pattern::Text {pattern id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    lassign $pattern kind where argument options
    set nocase [dict exists $options nocase]
    switch -- $kind {
	gl {
	    set ranges [Glob $argument $nocase $e(buffer)]
	}
	re {
	    set ranges [Regexp $argument $nocase $e(buffer)]
	}
	ex {
	    set at [expr {$argument eq "" ? 0 : $nocase
		? [string first [string tolower $argument] \
		[string tolower $e(buffer)]]
		: [string first $argument $e(buffer)]}]
	    set ranges {}
	    if {$at >= 0} {
		set ranges [list [list $at \
		    [expr {$at + [string length $argument] - 1}]]]
	    }
	}
	null {
	    set at [string first \x00 $e(buffer)]
	    set ranges [expr {$at >= 0 ? [list [list $at $at]] : {}}]
	}
    }
    if {[llength $ranges] == 0} {
	return {}
    }
    return [Take $id $ranges $options]
}

# The elements of expect_out for a match at these places of the buffer, which
# loses all up to the end of the first of them.
proc ::pyossl::expect::pattern::Take {id ranges options} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    set out {}
    set n 0
    foreach range $ranges {
	lassign $range first last
	if {$first >= 0} {
	    if {[dict exists $options indices]} {
		dict set out $n,start $first
		dict set out $n,end $last
	    }
	    dict set out $n,string [string range $e(buffer) $first $last]
	}
	incr n
    }
    set end [lindex $ranges 0 1]
    dict set out spawn_id $id
    dict set out buffer [string range $e(buffer) 0 $end]
    if {![dict exists $options notransfer]} {
	set e(buffer) [string range $e(buffer) $end+1 end]
    }
    return $out
}

proc ::pyossl::expect::pattern::Regexp {re nocase text} {
    if {$nocase} {
	return [regexp -indices -inline -nocase -- $re $text]
    }
    return [regexp -indices -inline -- $re $text]
}

# A glob pattern on text: one range, or none.
proc ::pyossl::expect::pattern::Glob {glob nocase text} {
    variable globs
    if {![dict exists $globs $nocase$glob]} {
	if {[dict size $globs] > 500} {
	    set globs {}
	}
	dict set globs $nocase$glob [Translate $glob $nocase]
    }
    return [Regexp [dict get $globs $nocase$glob] 0 $text]
}

# A glob as a regular expression. As in Expect a star takes all that it can,
# and -nocase does not reach into brackets.
proc ::pyossl::expect::pattern::Translate {glob nocase} {
    set re ""
    set end [string length $glob]
    set i 0
    if {[string index $glob 0] eq "^"} {
	set re {\A}
	incr i
    }
    for {} {$i < $end} {incr i} {
	set c [string index $glob $i]
	switch -- $c {
	    * { append re .* }
	    ? { append re . }
	    \[ {
		lassign [Class $glob $i] class i
		append re $class
	    }
	    \\ {
		incr i
		append re [Literal [string index $glob $i] $nocase]
	    }
	    \$ {
		append re [expr {$i == $end - 1 ? {\Z} : {\$}}]
	    }
	    default { append re [Literal $c $nocase] }
	}
    }
    return $re
}

# A character that stands for itself.
proc ::pyossl::expect::pattern::Literal {c {nocase 0}} {
    if {$nocase && [string tolower $c] ne [string toupper $c]} {
	return "\[[string tolower $c][string toupper $c]\]"
    }
    return [expr {$c eq "" || [string is alnum $c] ? $c
	: [format {\u%04x} [scan $c %c]]}]
}

# The class that begins at a place of a glob, and the place where it ends.
proc ::pyossl::expect::pattern::Class {glob at} {
    set end [string first \] $glob $at+1]
    if {$end < 0} {
	# Not ended: it matches nothing.
	return [list {(?!)} [string length $glob]]
    }
    set class ""
    for {set i [expr {$at + 1}]} {$i < $end} {incr i} {
	set first [string index $glob $i]
	if {[string index $glob $i+1] eq "-" && $i + 2 < $end} {
	    set last [string index $glob $i+2]
	    incr i 2
	    if {[string compare $first $last] > 0} {
		lassign [list $first $last] last first
	    }
	    append class [Literal $first]-[Literal $last]
	} else {
	    append class [Literal $first]
	}
    }
    return [list [expr {$class eq "" ? "(?!)" : "\[$class\]"}] $end]
}

#------------------------------------------------------------------------
# Events
#------------------------------------------------------------------------

# pattern::Event pattern id --
#	Looks for an event of an endpoint that matches and that no pattern has
#	consumed, the oldest first, and consumes it.
# Results:
#	The elements of expect_out, or nothing.
proc ::pyossl::expect::pattern::Event {pattern id} {
    upvar #0 ::pyossl::expect::endpoint::data::$id e
    set kind [lindex $pattern 0]
    set n 0
    foreach position $e(queue,$kind) {
	set event [lindex $e(log) $position]
	if {[Fits $pattern $event]} {
	    set e(queue,$kind) [lreplace $e(queue,$kind) $n $n]
	    return [Out $event]
	}
	incr n
    }
    return {}
}

# Does an event match a pattern of its kind?
proc ::pyossl::expect::pattern::Fits {pattern event} {
    lassign $pattern kind where argument options
    if {[dict exists $options from]
	    && [dict get $options from] ne [dict get $event from]} {
	return 0
    }
    switch -- $kind {
	message {
	    return [expr {[string match $argument [dict get $event name]]
		|| $argument eq [dict get $event type]}]
	}
	alert {
	    if {[dict exists $options level] && ![string match \
		    [dict get $options level] [dict get $event level]]} {
		return 0
	    }
	    return [string match $argument [dict get $event description]]
	}
	record {
	    return [string match $argument [dict get $event type]]
	}
	closed {
	    return [string match $argument [dict get $event how]]
	}
	error {
	    return [string match $argument [dict get $event code]]
	}
    }
    return 1
}

# The elements of expect_out for an event.
proc ::pyossl::expect::pattern::Out {event} {
    set id [dict get $event id]
    set out [dict create spawn_id $id event $event]
    if {[dict exists $event from]} {
	dict set out from [dict get $event from]
    }
    switch -- [dict get $event kind] {
	message {
	    dict set out name [dict get $event name]
	    dict set out raw [dict get $event raw]
	    # A message that cannot be read is still one.
	    dict set out message {}
	    dict set out error {}
	    if {[catch {Decode $event} message]} {
		dict set out error $message
	    } else {
		dict set out message $message
	    }
	}
	alert {
	    dict set out alert [list [dict get $event level] \
		[dict get $event description]]
	    dict set out raw [dict get $event raw]
	}
	record {
	    set record {}
	    foreach key {type version length fragment number} {
		dict set record $key [dict get $event $key]
	    }
	    dict set out record $record
	    dict set out raw [dict get $event fragment]
	}
	established {
	    dict set out established [list protocol \
		[dict get $event protocol] cipher [dict get $event cipher]]
	}
	accept {
	    dict set out listener $id
	    dict set out spawn_id [dict get $event accepted]
	    dict set out peer [dict get $event peer]
	}
	closed {
	    dict set out closed [dict get $event how]
	}
	error {
	    dict set out error [dict get $event message]
	    dict set out code [dict get $event code]
	}
    }
    return $out
}

# A message event decoded. What the ServerHello before it has settled says what
# it looks like.
proc ::pyossl::expect::pattern::Decode {event} {
    upvar #0 ::pyossl::expect::endpoint::data::[dict get $event id] e
    set settled {}
    if {[dict get $event name] ni {ClientHello ServerHello HelloRetryRequest}} {
	foreach earlier [lreverse $e(log)] {
	    if {[dict get $earlier kind] eq "message"
		    && [dict get $earlier name] eq "ServerHello"
		    && [dict get $earlier seq] < [dict get $event seq]} {
		catch {
		    set settled [::pyossl::expect::message::negotiated \
			[dict get $earlier raw]]
		}
		break
	    }
	}
    }
    return [::pyossl::expect::decode [dict get $event raw] {*}$settled]
}
