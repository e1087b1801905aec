# ladder.tcl --
#
#	Transcripts as a ladder diagram in SVG: two lifelines for each
#	conversation, an arrow for each message, alert and piece of data, with a
#	colour for each kind.
#
#	    conversations   which endpoints talk with each other
#	    rungs           their events, each only once
#	    svg             the picture
#
#	Where both ends of a conversation are known, what one has sent is looked
#	up among what the other has received: what the other end never took ends
#	in a cross, and what nobody sent begins with one.

namespace eval ::pyossl::expect::ladder {
    # Measures, in the picture's units (pixels at its natural size).
    variable width 860
    variable left 190		;# where the left lifeline is
    variable right 670
    variable step 36		;# from rung to rung
    variable head 92		;# above the first rung of a conversation

    # Colours: dark enough for text on white, and told apart by those who do
    # not see red and green too, since lightness and pattern differ as well.
    variable colours {
	handshake #1f5fa8 alert #c01c28 ccs #9a6700 data #1a7f37
	record #6e7781 state #57606a closed #57606a error #c01c28
    }
    variable legend {
	handshake handshake ccs ChangeCipherSpec data {application data}
	alert {alert, error} record record closed {closed, state}
    }
}

# ladder::conversations about --
#	Pairs up the endpoints: a list of dicts with the keys left and right
#	(ids, one of them possibly empty).  The client is on the left.
proc ::pyossl::expect::ladder::conversations {about} {
    set result {}
    set done {}
    dict for {id known} $about {
	if {[dict exists $done $id]} {
	    continue
	}
	dict set done $id 1
	set other [partner $id $about]
	if {$other ne "" && ![dict exists $done $other]} {
	    dict set done $other 1
	} else {
	    set other ""
	}
	if {[isServer $known]} {
	    lappend result [dict create left $other right $id]
	} else {
	    lappend result [dict create left $id right $other]
	}
    }
    return $result
}

# The id of the other end of a connection, or "".
proc ::pyossl::expect::ladder::partner {id about} {
    set known [dict get $about $id]
    set peer [::pyossl::expect::transcript::get $known peer]
    if {$peer eq ""} {
	return ""
    }
    if {[dict exists $about $peer]} {
	return $peer
    }
    # The addresses of a connection are the other end's, the other way round.
    set local [::pyossl::expect::transcript::get $known local]
    dict for {other there} $about {
	if {$other ne $id && [dict exists $there local]
		&& [dict exists $there peer]
		&& [dict get $there local] eq $peer
		&& [dict get $there peer] eq $local} {
	    return $other
	}
    }
    return ""
}

proc ::pyossl::expect::ladder::isServer {known} {
    return [expr {[dict exists $known kind]
	    && ([string match *server* [dict get $known kind]]
	    || [string match *listen* [dict get $known kind]]
	    || [string match *accept* [dict get $known kind]])}]
}

# ladder::rungs events left right about --
#	What is drawn between two lifelines: a list of dicts with the keys
#	    from	left, right or "" (an event of one end alone)
#	    at		for the latter: left or right
#	    label detail class time
#	    lost	1 if the other end never took it; foreign 1 if its sender is not
#			known to have sent it
#	    count	how many pieces of data it stands for
proc ::pyossl::expect::ladder::rungs {events left right about} {
    set both [expr {$left ne "" && $right ne ""}]
    set rungs {}
    set bytes {}		;# the sides that have sent bytes
    set underway {left {} right {}}	;# side -> indices of rungs not arrived
    foreach event $events {
	set id [dict get $event id]
	set side [expr {$id eq $left ? "left" : $id eq $right ? "right" : ""}]
	if {$side eq "" || [set event [shown $event $about]] eq ""} {
	    continue
	}
	set other [expr {$side eq "left" ? "right" : "left"}]
	lassign [::pyossl::expect::transcript::describe $event] label detail class
	set rung [dict create from "" at $side label $label detail $detail \
		class $class lost 0 foreign 0 count 1 \
		time [::pyossl::expect::transcript::clock $event $about] \
		size 0 key [key $event]]
	if {$class eq "data" && [dict exists $event bytes]} {
	    dict set rung size [string length [dict get $event bytes]]
	}
	# The end of a connection is told by the end that has come to it.
	set from [expr {$class eq "closed" ? ""
		: [::pyossl::expect::transcript::get $event from]}]
	switch -- $from {
	    self {
		dict set rung from $side
		# A TLS 1.3 engine passes over the ChangeCipherSpec that it gets
		# without a word, which does not mean that it was lost.
		if {$both && $class ne "ccs"} {
		    # What bytes come to be at the other end is not known.
		    set raw [expr {[dict get $event kind] eq "bytes"}]
		    dict set rung lost [expr {!$raw}]
		    if {$raw} {
			dict set bytes $side 1
		    }
		    dict lappend underway $side [llength $rungs]
		}
	    }
	    peer {
		dict set rung from $other
		if {$both && ($class eq "ccs"
			|| [arrived rungs underway $other $rung])} {
		    continue
		}
		dict set rung foreign \
			[expr {$both && ![dict exists $bytes $other]}]
	    }
	}
	lappend rungs $rung
    }
    return [collapse $rungs]
}

# What tells whether the sent and the received are the same.
proc ::pyossl::expect::ladder::key {event} {
    set values [dict get $event kind]
    foreach name {name raw level description type fragment bytes} {
	lappend values [::pyossl::expect::transcript::get $event $name]
    }
    return $values
}

# Finds what has been received among what is under way from that side.  Data is
# a stream, of which the pieces need not be those that were sent.
proc ::pyossl::expect::ladder::arrived {rungsVar underwayVar side rung} {
    upvar 1 $rungsVar rungs $underwayVar underway
    set waiting [dict get $underway $side]
    set n -1
    foreach index $waiting {
	incr n
	set sent [lindex $rungs $index]
	if {[dict get $sent key] ne [dict get $rung key]
		&& !([dict get $rung class] eq "data"
		&& [dict get $sent class] eq "data")} {
	    continue
	}
	dict set underway $side [lreplace $waiting $n $n]
	dict set sent lost 0
	lset rungs $index $sent
	return 1
    }
    # More pieces of data than were sent: the stream was cut differently.
    return [expr {[dict get $rung class] eq "data"
	    && [lsearch -index 3 -exact [lmap r $rungs {
		list x x x [dict get $r from]-[dict get $r class]
	    }] $side-data] >= 0}]
}

# The event as a ladder shows it, or "": beginnings are no part of one.
proc ::pyossl::expect::ladder::shown {event about} {
    if {[dict get $event kind] in {spawn filter}} {
	return ""
    }
    set id [dict get $event id]
    return [::pyossl::expect::transcript::shown $event \
	    [::pyossl::expect::transcript::get [dict get $about $id] kind]]
}

# Pieces of data that follow each other in one direction become one rung.
proc ::pyossl::expect::ladder::collapse {rungs} {
    set result {}
    foreach rung $rungs {
	set last [lindex $result end]
	if {[dict get $rung class] eq "data" && $last ne ""
		&& [dict get $last class] eq "data"
		&& [dict get $last from] eq [dict get $rung from]
		&& [dict get $last lost] == [dict get $rung lost]
		&& [dict get $last foreign] == [dict get $rung foreign]} {
	    dict incr last count
	    dict incr last size [dict get $rung size]
	    dict set last label "data, [dict get $last count] times"
	    dict set last detail "[dict get $last size] bytes"
	    lset result end $last
	    continue
	}
	lappend result $rung
    }
    return $result
}

#------------------------------------------------------------------------
# Drawing
#------------------------------------------------------------------------

# ladder::svg events about --
#	The picture, a whole SVG document.
proc ::pyossl::expect::ladder::svg {events about} {
    variable width
    variable step
    variable head
    set y 0
    set body {}
    set events [::pyossl::expect::transcript::once $events]
    foreach conversation [conversations $about] {
	dict with conversation {}
	set rungs [rungs $events $left $right $about]
	if {![llength $rungs] && [dict size $about] > 1} {
	    continue		;# A listener, whose connections are on their own.
	}
	set bottom [expr {$y + $head + [llength $rungs] * $step + 6}]
	lappend body {*}[drawFrame $y $bottom $left $right $about]
	set at [expr {$y + $head}]
	foreach rung $rungs {
	    lappend body {*}[drawRung $rung $at]
	    incr at $step
	}
	set y [expr {$bottom + 24}]
    }
    lappend body {*}[drawLegend $y]
    set height [expr {$y + 44}]
    return "[join [concat [list \
	{<?xml version="1.0" encoding="UTF-8"?>} \
	"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"$width\"\
	height=\"$height\" viewBox=\"0 0 $width $height\"\
	font-family=\"DejaVu Sans, Verdana, Helvetica, sans-serif\"\
	font-size=\"13\">" \
	{<title>TLS conversation</title>} \
	"<rect width=\"$width\" height=\"$height\" fill=\"#ffffff\"/>"] \
	$body {{</svg>}}] \n]\n"
}

# The lifelines with their names above them.
proc ::pyossl::expect::ladder::drawFrame {top bottom leftId rightId about} {
    variable left
    variable right
    set result {}
    set y [expr {$top + 24}]
    foreach x [list $left $right] id [list $leftId $rightId] \
	    other [list $rightId $leftId] role {client server} {
	if {$id ne ""} {
	    set known [dict get $about $id]
	    set name $id
	    set kind [::pyossl::expect::transcript::get $known kind]
	} else {
	    set known {}
	    set name peer
	    set kind [expr {[dict exists $about $other kind]
		    && [dict get $about $other kind] in {client server}
		    ? $role : ""}]
	}
	lappend result [text $x $y "$name [expr {$kind eq {} ? {} : "($kind)"}]" \
		{text-anchor="middle" font-weight="bold" fill="#24292f"}]
	lappend result [text $x [expr {$y + 18}] [place $id $known $other $about] \
		{text-anchor="middle" font-size="11" fill="#57606a"}]
	lappend result "<line x1=\"$x\" y1=\"[expr {$y + 28}]\" x2=\"$x\"\
		y2=\"$bottom\" stroke=\"#8c959f\" stroke-width=\"2\"/>"
    }
    return $result
}

# Where an endpoint is, or what it runs: for an unknown peer that is what the
# known end says of it.
proc ::pyossl::expect::ladder::place {id known other about} {
    if {$id eq "" && $other ne ""} {
	set known [dict get $about $other]
    } elseif {[dict exists $known command]} {
	return [shorten [dict get $known command] 44]
    } else {
	set words {}
	foreach key {protocol cipher} {
	    lappend words {*}[::pyossl::expect::transcript::get $known $key]
	}
	return [shorten [join $words] 44]
    }
    set address [::pyossl::expect::transcript::get $known peer]
    if {[llength $address] < 2} {
	set address [list [::pyossl::expect::transcript::get $known host] \
		[::pyossl::expect::transcript::get $known port]]
    }
    return [string trim [shorten [join $address :] 44] :]
}

# One rung: an arrow, or a note at the lifeline where it happened.
proc ::pyossl::expect::ladder::drawRung {rung y} {
    variable left
    variable right
    variable colours
    set class [dict get $rung class]
    set colour [dict get $colours $class]
    set result [list "<g class=\"$class\">"]
    set detail [dict get $rung detail]
    set label [dict get $rung label]
    lappend result "<title>[::pyossl::expect::quote::xml [string trim \
	    "[dict get $rung time]: $label $detail"]]</title>"
    lappend result [text 12 [expr {$y + 4}] [dict get $rung time] \
	    {font-size="10" fill="#8c959f"}]
    if {[dict get $rung from] eq ""} {
	lappend result {*}[drawNote $rung $y $colour]
    } else {
	lappend result {*}[drawArrow $rung $y $colour]
	set middle [expr {($left + $right) / 2}]
	set room [expr {64 - [string length $label]}]
	set words [::pyossl::expect::quote::xml $label]
	set attributes "text-anchor=\"middle\" fill=\"$colour\""
	if {$detail ne "" && $room > 12} {
	    append words "<tspan font-size=\"10.5\" fill=\"#57606a\">  [\
		    ::pyossl::expect::quote::xml [shorten $detail $room]]</tspan>"
	}
	lappend result "<text x=\"$middle\" y=\"[expr {$y - 6}]\"\
		xml:space=\"preserve\" $attributes>$words</text>"
    }
    lappend result </g>
    return $result
}

# An arrow from one lifeline to the other; one that did not arrive is cut off
# with a cross, one that nobody sent begins with it.
proc ::pyossl::expect::ladder::drawArrow {rung y colour} {
    variable left
    variable right
    set sign [expr {[dict get $rung from] eq "left" ? 1 : -1}]
    set start [expr {$sign > 0 ? $left : $right}]
    set end [expr {$sign > 0 ? $right : $left}]
    set start [expr {$start + 3 * $sign}]
    set end [expr {$end - 3 * $sign}]
    set note ""
    set cross ""
    if {[dict get $rung lost]} {
	set end [expr {$end - 90 * $sign}]
	set cross $end
	set note "never taken"
    } elseif {[dict get $rung foreign]} {
	set start [expr {$start + 90 * $sign}]
	set cross $start
	set note "changed on the way"
    }
    set dash [expr {[dict get $rung class] in {record closed}
	    ? { stroke-dasharray="5 4"} : ""}]
    set weight [expr {[dict get $rung class] eq "alert" ? 2.4 : 1.6}]
    set result [list "<line x1=\"$start\" y1=\"$y\" x2=\"$end\" y2=\"$y\"\
	    stroke=\"$colour\" stroke-width=\"$weight\"$dash/>"]
    if {$cross ne ""} {
	lappend result "<path d=\"M[expr {$cross - 5}] [expr {$y - 5}] l10 10 m0\
		-10 l-10 10\" stroke=\"$colour\" stroke-width=\"2\" fill=\"none\"/>"
	lappend result [text [expr {$cross + ($note eq "never taken" ? 45 : -45)
		* $sign}] [expr {$y + 12}] $note \
		"font-size=\"9\" text-anchor=\"middle\" fill=\"$colour\""]
    }
    if {![dict get $rung lost]} {
	set back [expr {$end - 9 * $sign}]
	lappend result "<polygon points=\"$end,$y $back,[expr {$y - 4.5}]\
		$back,[expr {$y + 4.5}]\" fill=\"$colour\"/>"
    }
    return $result
}

# What happened at one end: a dot on its lifeline and a line of text outside.
proc ::pyossl::expect::ladder::drawNote {rung y colour} {
    variable left
    variable right
    set label [dict get $rung label]
    set x [expr {[dict get $rung at] eq "left" ? $left : $right}]
    set result [list "<circle cx=\"$x\" cy=\"$y\" r=\"4\" fill=\"$colour\"/>"]
    if {[dict get $rung class] eq "error"} {
	set label "$label: [dict get $rung detail]"
    } elseif {[dict get $rung detail] ne ""} {
	set label "$label [dict get $rung detail]"
    }
    set at [expr {[dict get $rung at] eq "left" ? $x + 12 : $x - 12}]
    set anchor [expr {[dict get $rung at] eq "left" ? "start" : "end"}]
    lappend result [text $at [expr {$y + 4}] [shorten $label 62] \
	    "font-size=\"12\" text-anchor=\"$anchor\" fill=\"$colour\""]
    return $result
}

# What the colours mean.
proc ::pyossl::expect::ladder::drawLegend {top} {
    variable legend
    variable colours
    set x 24
    set y [expr {$top + 18}]
    set result {}
    foreach {class words} $legend {
	set colour [dict get $colours $class]
	lappend result "<rect x=\"$x\" y=\"[expr {$y - 9}]\" width=\"12\"\
		height=\"10\" fill=\"$colour\"/>"
	lappend result [text [expr {$x + 18}] $y $words \
		{font-size="11" fill="#57606a"}]
	incr x [expr {36 + 7 * [string length $words]}]
    }
    return $result
}

proc ::pyossl::expect::ladder::text {x y words attributes} {
    return "<text x=\"$x\" y=\"$y\" $attributes>[::pyossl::expect::quote::xml \
	    $words]</text>"
}

proc ::pyossl::expect::ladder::shorten {text limit} {
    if {[string length $text] <= $limit} {
	return $text
    }
    return [string range $text 0 $limit-4]...
}
