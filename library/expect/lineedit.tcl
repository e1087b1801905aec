# lineedit.tcl --
#
#	The line editor of the prompt: a command of one or more lines, edited
#	with the keys that everybody knows from readline, with history and
#	completion.  It runs in the event loop, so that what the endpoints do
#	meanwhile goes on, and can be shown above the line.
#
#	    keys -> key names -> actions -> buffer, cursor -> redraw
#
#	It knows nothing of Tcl commands and of endpoints: what is complete, what
#	can be completed and where lines go are command prefixes.

namespace eval ::pyossl::expect::lineedit {
    variable prompt "% "
    variable more "> "
    variable buffer ""
    variable cursor 0		;# an index into the buffer
    variable drawn {0 0}	;# {rows below the first, row of the cursor}
    variable active 0		;# is a line being edited?
    variable done ""		;# written when it is finished
    variable keys ""		;# characters that are not an action yet
    variable pasting 0
    variable killed ""		;# what Ctrl-Y brings back
    variable history {}
    variable position 0		;# in the history; its length is the new line
    variable unfinished ""	;# the new line, while older ones are looked at
    variable search ""		;# {query} while Ctrl-R searches
    variable columns 80
    variable channel stdout
    variable isComplete {info complete}
    variable completer ""
    variable suspend ""

    # Key sequences and what they do.
    variable bindings
    array set bindings {
	\x01 home \x02 left \x03 cancel \x04 deleteOrEnd \x05 end \x06 right
	\x08 backspace \x09 complete \x0a accept \x0b killEnd \x0c clear
	\x0d accept \x0e down \x10 up \x12 searchBack \x14 transpose
	\x15 killStart \x17 killWord \x19 yank \x1a suspend \x7f backspace
	\x1b[A up \x1b[B down \x1b[C right \x1b[D left \x1b[H home \x1b[F end
	\x1bOA up \x1bOB down \x1bOC right \x1bOD left \x1bOH home \x1bOF end
	\x1b[1~ home \x1b[4~ end \x1b[7~ home \x1b[8~ end \x1b[3~ delete
	\x1b[1;5C wordRight \x1b[1;5D wordLeft \x1bf wordRight \x1bb wordLeft
	\x1bd killWordRight \x1b\x7f killWord \x1b[200~ pasteStart
	\x1b[201~ pasteEnd
    }
}

#------------------------------------------------------------------------
# Reading a line
#------------------------------------------------------------------------

# lineedit::get --
#	Lets the user edit a command and returns {line text}, {end} after Ctrl-D
#	on an empty line, or {cancel} after Ctrl-C.  Keys come by lineedit::feed.
proc ::pyossl::expect::lineedit::get {} {
    variable buffer ""
    variable cursor 0
    variable drawn {0 0}
    variable active 1
    variable done ""
    variable history
    variable position [llength $history]
    variable unfinished ""
    variable search ""
    variable columns [lindex [::pyossl::expect::terminal::size] 1]
    emit "\x1b\[?2004h"
    redraw
    # What was typed before the prompt came.
    feed ""
    while {$done eq ""} {
	vwait ::pyossl::expect::lineedit::done
    }
    set active 0
    emit "\x1b\[?2004l"
    return $done
}

# lineedit::feed characters --
#	Takes what was typed.  While no line is edited it is kept for the next.
proc ::pyossl::expect::lineedit::feed {characters} {
    variable keys
    variable active
    variable done
    append keys $characters
    while {$active && $done eq "" && $keys ne ""} {
	set key [nextKey]
	if {$key eq ""} {
	    return
	}
	press $key
    }
}

# Takes the next key off the characters: one character or a whole escape
# sequence.  "" if the sequence is not whole yet.
proc ::pyossl::expect::lineedit::nextKey {} {
    variable keys
    if {[string index $keys 0] eq "\x1b"} {
	if {![regexp {^\x1b(\[[0-9;?]*[ -/]*[@-~]|O.|[^\[O])} $keys key]} {
	    return ""
	}
    } else {
	set key [string index $keys 0]
    }
    set keys [string range $keys [string length $key] end]
    return $key
}

# lineedit::interrupt --
#	The input has ended.
proc ::pyossl::expect::lineedit::hangup {} {
    variable done end
}

# Does what a key is for.
proc ::pyossl::expect::lineedit::press {key} {
    variable bindings
    variable pasting
    variable search
    set action [expr {[info exists bindings($key)] ? $bindings($key) : ""}]
    if {$pasting && $action ne "pasteEnd"} {
	insert [string map {\r \n} $key]
    } elseif {$search ne "" && [searchKey $key $action]} {
	return
    } elseif {$action ne ""} {
	Do$action
    } elseif {[string is print $key] && [string index $key 0] ne "\x1b"} {
	insert $key
    }
}

#------------------------------------------------------------------------
# Actions
#------------------------------------------------------------------------

proc ::pyossl::expect::lineedit::insert {text} {
    variable buffer
    variable cursor
    set buffer [string range $buffer 0 $cursor-1]$text[string range \
	    $buffer $cursor end]
    incr cursor [string length $text]
    redraw
}

# Puts the cursor somewhere.
proc ::pyossl::expect::lineedit::moveTo {index} {
    variable buffer
    variable cursor
    set cursor [expr {max(0, min($index, [string length $buffer]))}]
    redraw
}

# Deletes from first up to, but not, last; the cursor is there then.
proc ::pyossl::expect::lineedit::cut {first last {keep 0}} {
    variable buffer
    variable cursor
    variable killed
    if {$first < 0 || $first >= $last} {
	return
    }
    if {$keep} {
	set killed [string range $buffer $first $last-1]
    }
    set buffer [string replace $buffer $first $last-1]
    set cursor $first
    redraw
}

# Where the line of the buffer begins that the cursor is in, and where it ends.
proc ::pyossl::expect::lineedit::lineStart {} {
    variable buffer
    variable cursor
    return [expr {[string last \n $buffer $cursor-1] + 1}]
}
proc ::pyossl::expect::lineedit::lineEnd {} {
    variable buffer
    variable cursor
    set end [string first \n $buffer $cursor]
    return [expr {$end < 0 ? [string length $buffer] : $end}]
}

# Where the word before the cursor begins, and the one behind it ends.
proc ::pyossl::expect::lineedit::wordStart {} {
    variable buffer
    variable cursor
    regexp {\w*\W*$} [string range $buffer 0 $cursor-1] word
    return [expr {$cursor - [string length $word]}]
}
proc ::pyossl::expect::lineedit::wordEnd {} {
    variable buffer
    variable cursor
    regexp {^\W*\w*} [string range $buffer $cursor end] word
    return [expr {$cursor + [string length $word]}]
}

proc ::pyossl::expect::lineedit::Doleft {} {
    moveTo [expr {$::pyossl::expect::lineedit::cursor - 1}]
}
proc ::pyossl::expect::lineedit::Doright {} {
    moveTo [expr {$::pyossl::expect::lineedit::cursor + 1}]
}
proc ::pyossl::expect::lineedit::Dohome {} {
    moveTo [lineStart]
}
proc ::pyossl::expect::lineedit::Doend {} {
    moveTo [lineEnd]
}
proc ::pyossl::expect::lineedit::DowordLeft {} {
    moveTo [wordStart]
}
proc ::pyossl::expect::lineedit::DowordRight {} {
    moveTo [wordEnd]
}
proc ::pyossl::expect::lineedit::Dobackspace {} {
    variable cursor
    cut [expr {$cursor - 1}] $cursor
}
proc ::pyossl::expect::lineedit::Dodelete {} {
    variable cursor
    variable buffer
    if {$cursor < [string length $buffer]} {
	cut $cursor [expr {$cursor + 1}]
    }
}
proc ::pyossl::expect::lineedit::DodeleteOrEnd {} {
    variable buffer
    if {$buffer eq ""} {
	finish end
    } else {
	Dodelete
    }
}
proc ::pyossl::expect::lineedit::DokillEnd {} {
    variable cursor
    variable buffer
    # At the end of a line its line end goes.
    set end [lineEnd]
    cut $cursor [expr {$end > $cursor ? $end
	    : min($end + 1, [string length $buffer])}] 1
}
proc ::pyossl::expect::lineedit::DokillStart {} {
    variable cursor
    cut [lineStart] $cursor 1
}
proc ::pyossl::expect::lineedit::DokillWord {} {
    variable cursor
    cut [wordStart] $cursor 1
}
proc ::pyossl::expect::lineedit::DokillWordRight {} {
    variable cursor
    cut $cursor [wordEnd] 1
}
proc ::pyossl::expect::lineedit::Doyank {} {
    variable killed
    insert $killed
}
proc ::pyossl::expect::lineedit::Dotranspose {} {
    variable buffer
    variable cursor
    set at [expr {min($cursor, [string length $buffer] - 1)}]
    if {$at < 1} {
	return
    }
    set buffer [string replace $buffer $at-1 $at \
	    [string index $buffer $at][string index $buffer $at-1]]
    moveTo [expr {$at + 1}]
}
proc ::pyossl::expect::lineedit::Doclear {} {
    variable drawn {0 0}
    emit "\x1b\[H\x1b\[2J"
    redraw
}
proc ::pyossl::expect::lineedit::Docancel {} {
    finish cancel ^C
}
proc ::pyossl::expect::lineedit::Dosuspend {} {
    variable suspend
    if {$suspend ne ""} {
	{*}$suspend
	variable drawn {0 0}
	redraw
    }
}
proc ::pyossl::expect::lineedit::DopasteStart {} {
    variable pasting 1
}
proc ::pyossl::expect::lineedit::DopasteEnd {} {
    variable pasting 0
}

# Return: the command is done, or it goes on in another line.
proc ::pyossl::expect::lineedit::Doaccept {} {
    variable buffer
    variable isComplete
    if {[{*}$isComplete $buffer\n]} {
	finish [list line $buffer]
    } else {
	moveTo [string length $buffer]
	insert \n
    }
}

# Ends the editing; the cursor goes below what was edited.
proc ::pyossl::expect::lineedit::finish {how {mark ""}} {
    variable buffer
    variable done
    moveTo [string length $buffer]
    emit $mark\n
    set done $how
}

#------------------------------------------------------------------------
# History
#------------------------------------------------------------------------

# lineedit::remember text --
#	Adds a command to the history, unless it is the last one again.
# Results:
#	1 if it was added.
proc ::pyossl::expect::lineedit::remember {text} {
    variable history
    if {[string trim $text] eq "" || $text eq [lindex $history end]} {
	return 0
    }
    lappend history $text
    return 1
}

proc ::pyossl::expect::lineedit::Doup {} {
    variable cursor
    variable position
    set start [lineStart]
    if {$start > 0} {
	# To the line above, in the same column if it has one.
	set column [expr {$cursor - $start}]
	set cursor [expr {$start - 1}]
	moveTo [expr {min([lineStart] + $column, $cursor)}]
    } elseif {$position > 0} {
	recall [expr {$position - 1}]
    }
}

proc ::pyossl::expect::lineedit::Dodown {} {
    variable buffer
    variable cursor
    variable position
    variable history
    set end [lineEnd]
    if {$end < [string length $buffer]} {
	set column [expr {$cursor - [lineStart]}]
	set cursor [expr {$end + 1}]
	moveTo [expr {min($cursor + $column, [lineEnd])}]
    } elseif {$position < [llength $history]} {
	recall [expr {$position + 1}]
    }
}

# Shows a command of the history, or the unfinished new one after the last.
proc ::pyossl::expect::lineedit::recall {index} {
    variable history
    variable position
    variable unfinished
    variable buffer
    if {$position == [llength $history]} {
	set unfinished $buffer
    }
    set position $index
    set buffer [expr {$index == [llength $history] ? $unfinished
	    : [lindex $history $index]}]
    moveTo [string length $buffer]
}

# Ctrl-R: look for what is typed in older commands.
proc ::pyossl::expect::lineedit::DosearchBack {} {
    variable search
    variable history
    set search [dict create query "" at [llength $history]]
    redraw
}

# A key while searching.  Returns 0 if it ends the search and is to be done as
# it is without it.
proc ::pyossl::expect::lineedit::searchKey {key action} {
    variable search
    set query [dict get $search query]
    set at [dict get $search at]
    switch -- $action {
	searchBack {
	    find $query [expr {$at - 1}]
	}
	backspace {
	    dict set search query [string range $query 0 end-1]
	    find [string range $query 0 end-1] $at
	}
	cancel {
	    set search ""
	    redraw
	}
	"" {
	    if {[string index $key 0] eq "\x1b"} {
		set search ""
		redraw
		return 1
	    }
	    dict set search query $query$key
	    find $query$key $at
	}
	default {
	    set search ""
	    redraw
	    return 0
	}
    }
    return 1
}

# Shows the newest command at or before an index in which the text is.
proc ::pyossl::expect::lineedit::find {query from} {
    variable search
    variable history
    variable buffer
    variable position
    variable unfinished
    for {set i [expr {min($from, [llength $history] - 1)}]} {$i >= 0} {incr i -1} {
	set at [string first $query [lindex $history $i]]
	if {$at >= 0} {
	    if {$position == [llength $history]} {
		set unfinished $buffer
	    }
	    dict set search at $i
	    set position $i
	    set buffer [lindex $history $i]
	    moveTo $at
	    return
	}
    }
    emit \x07
    redraw
}

#------------------------------------------------------------------------
# Completion
#------------------------------------------------------------------------

# Tab: the completer gets the buffer up to the cursor, and says {start
# candidates}: where the word begins, and what it may become.
proc ::pyossl::expect::lineedit::Docomplete {} {
    variable buffer
    variable cursor
    variable completer
    if {$completer eq ""} {
	return
    }
    set before [string range $buffer 0 $cursor-1]
    lassign [{*}$completer $before] start candidates
    if {![llength $candidates]} {
	emit \x07
	return
    }
    set word [string range $before $start end]
    set common [commonPrefix $candidates]
    if {[llength $candidates] == 1 && ![string match */ $common]} {
	append common " "
    }
    if {[string length $common] > [string length $word]} {
	set buffer [string replace $buffer $start $cursor-1 $common]
	if {$start >= $cursor} {
	    set buffer [string range $before 0 $start-1]$common[string range \
		    $buffer $cursor end]
	}
	moveTo [expr {$start + [string length $common]}]
    } elseif {[llength $candidates] > 1} {
	above [inColumns $candidates]
    }
}

# The longest beginning that all words have.
proc ::pyossl::expect::lineedit::commonPrefix {words} {
    set prefix [lindex $words 0]
    foreach word $words {
	while {[string compare -length [string length $prefix] $prefix $word]} {
	    set prefix [string range $prefix 0 end-1]
	}
    }
    return $prefix
}

# Words in columns, as wide as the terminal.
proc ::pyossl::expect::lineedit::inColumns {words} {
    variable columns
    set width [expr {[tcl::mathfunc::max {*}[lmap word $words {
	string length $word}]] + 2}]
    set across [expr {max(1, $columns / $width)}]
    set down [expr {([llength $words] + $across - 1) / $across}]
    set lines {}
    for {set row 0} {$row < $down} {incr row} {
	set line ""
	for {set i $row} {$i < [llength $words]} {incr i $down} {
	    append line [format %-*s $width [lindex $words $i]]
	}
	lappend lines [string trimright $line]
    }
    return [join $lines \n]
}

#------------------------------------------------------------------------
# The screen
#------------------------------------------------------------------------

proc ::pyossl::expect::lineedit::emit {text} {
    variable channel
    ::pyossl::expect::Tolerantly $channel {
	puts -nonewline $channel $text
	flush $channel
    }
}

# lineedit::above text --
#	Prints lines above the one that is being edited.
proc ::pyossl::expect::lineedit::above {text} {
    variable active
    variable done
    if {!$active || $done ne ""} {
	emit $text\n
	return
    }
    emit [erase]$text\n
    redraw
}

# What takes the drawn lines off the screen.
proc ::pyossl::expect::lineedit::erase {} {
    variable drawn
    set up [lindex $drawn 1]
    set drawn {0 0}
    return "[expr {$up ? "\x1b\[${up}A" : ""}]\r\x1b\[J"
}

# Draws the prompt and the buffer, and puts the terminal's cursor where it
# belongs.
proc ::pyossl::expect::lineedit::redraw {} {
    variable buffer
    variable cursor
    variable drawn
    variable prompt
    variable more
    variable search
    variable active
    if {!$active} {
	return
    }
    set first $prompt
    if {$search ne ""} {
	set first "(search \"[dict get $search query]\") "
    }
    set text $first[string map [list \n \n$more] $buffer]
    set before $first[string map [list \n \n$more] [string range $buffer 0 $cursor-1]]
    lassign [extent $text] rows column
    lassign [extent $before] row at
    set out [erase][string map {\n \r\n} $text]
    # A terminal waits at the end of a full line; this makes it go on.
    if {$column == 0 && $rows > 0 && [string index $text end] ne "\n"} {
	append out " \r"
    }
    if {$rows > $row} {
	append out "\x1b\[[expr {$rows - $row}]A"
    }
    append out \r
    if {$at > 0} {
	append out "\x1b\[${at}C"
    }
    set drawn [list $rows $row]
    emit $out
}

# How many rows below the first a text ends on the screen, and in which column.
proc ::pyossl::expect::lineedit::extent {text} {
    variable columns
    set row 0
    set column 0
    # Colours take no room.
    regsub -all {\x1b\[[0-9;]*m} $text "" text
    foreach character [split $text ""] {
	if {$character eq "\n"} {
	    incr row
	    set column 0
	    continue
	}
	set width [width $character]
	if {$column + $width > $columns} {
	    incr row
	    set column 0
	}
	incr column $width
	if {$column >= $columns} {
	    incr row
	    set column 0
	}
    }
    return [list $row $column]
}

# How many columns a character takes: those of East Asian scripts take two,
# combining ones none.
proc ::pyossl::expect::lineedit::width {character} {
    scan $character %c code
    if {$code < 0x300} {
	return 1
    }
    foreach {first last width} {
	0x300 0x36f 0 0x1100 0x115f 2 0x200b 0x200f 0 0x2e80 0xa4cf 2
	0xac00 0xd7a3 2 0xf900 0xfaff 2 0xfe00 0xfe0f 0 0xfe30 0xfe6f 2
	0xff00 0xff60 2 0xffe0 0xffe6 2 0x1f300 0x1faff 2 0x20000 0x3fffd 2
    } {
	if {$code >= $first && $code <= $last} {
	    return $width
	}
    }
    return 1
}
