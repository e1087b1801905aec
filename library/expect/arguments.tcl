# arguments.tcl --
#
#	The arguments of expect, expect_before and expect_after read into
#	patterns (see pattern.tcl).
#
#	The form with one argument, a braced block, goes through the same code
#	after its words have been substituted.
#
#	Where a pattern is looked for, its second element says:
#	    {ids LIST}		endpoints, by their ids
#	    {variable NAME}	those that a variable of the script names, read
#				anew whenever it changes
#	    any			those of all other patterns (any_spawn_id)

namespace eval ::pyossl::expect::arguments {
    # Flags as in Expect, which may be cut short, with what they are here.
    variable flags {
	-glob gl -regexp re -exact ex -notransfer notransfer
	-nocase nocase -i i -indices indices -iread iread
	-timestamp timestamp -timeout timeout -nobrace nobrace -brace brace
	-- gl
    }
    # Those of our own, always written out.
    variable protocol {
	-message -alert -record -established -accept -closed -error -from
    }
    variable keywords {eof timeout full_buffer default null}
    # Blocks that were split: block -> list of commands.
    variable blocks {}
}

# arguments::Parse words level --
#	Reads the arguments of an expect.
# Arguments:
#	level	how far up from here the script is.
# Results:
#	A dict: patterns, timeout (empty if there is no -timeout), watch (what
#	an -i without patterns names).
# Errors:
#	TCL LOOKUP INDEX flag, TCL WRONGARGS, PYOSSL EXPECT NOENDPOINT,
#	PYOSSL EXPECT VALUE, PYOSSL EXPECT NAME for what is no glob and none of
#	the names that it could be
proc ::pyossl::expect::arguments::Parse {words level} {
    incr level
    set words [Unbrace $words $level]
    set result [dict create patterns {} timeout "" watch {}]
    set where ""
    set named 0		;# has a pattern followed the last -i?
    set kind ""
    set options {}
    set i 0
    set end [llength $words]
    while {$i < $end} {
	set word [lindex $words $i]
	if {$kind eq "" && [string match -* $word]} {
	    set flag [Flag $word]
	    incr i
	    switch -- $flag {
		gl - re - ex {
		    set kind $flag
		    Value $words $i $word pattern
		}
		nocase - notransfer - indices - timestamp {
		    dict set options $flag 1
		}
		iread - nobrace - brace { }
		i {
		    if {$where ne "" && !$named} {
			dict lappend result watch $where
		    }
		    set where [Where [Value $words $i $word spawn_id] $level]
		    set named 0
		    incr i
		}
		timeout {
		    dict set result timeout \
			[Seconds [Value $words $i $word seconds]]
		    incr i
		}
		from {
		    dict set options from \
			[From [Value $words $i $word peer|self] 3]
		    incr i
		}
		default {
		    if {$flag ni {message alert record}} {
			dict unset options from
		    }
		    set i [ProtocolArguments $words $i $flag argument options]
		    set where [Default $where $level]
		    dict lappend result patterns [list $flag $where \
			$argument $options [Body $words i]]
		    set named 1
		    set options {}
		}
	    }
	    continue
	}
	incr i
	if {$kind eq ""} {
	    variable keywords
	    set kind [expr {$word in $keywords ? $word : "gl"}]
	}
	set where [Default $where $level]
	if {$kind eq "re" && [catch {regexp -- $word ""} message]} {
	    return -code error -level 2 -errorcode \
		[list PYOSSL EXPECT VALUE $word] $message
	}
	dict lappend result patterns \
	    [list $kind $where $word $options [Body $words i]]
	set named 1
	set kind ""
	set options {}
    }
    if {!$named && ($where ne "" || ![llength [dict get $result patterns]])} {
	dict lappend result watch [Default $where $level]
    }
    return $result
}

# The word after a pattern; at the end of the arguments an empty one.
proc ::pyossl::expect::arguments::Body {words indexVar} {
    upvar 1 $indexVar i
    set body [lindex $words $i]
    incr i
    return $body
}

# The word after a flag.
proc ::pyossl::expect::arguments::Value {words i flag what} {
    if {$i >= [llength $words]} {
	return -code error -level 3 -errorcode {TCL WRONGARGS} \
	    "wrong # args: should be \"expect $flag $what\""
    }
    return [lindex $words $i]
}

# What a flag is: the kind of a pattern, or the option.
proc ::pyossl::expect::arguments::Flag {word} {
    variable flags
    variable protocol
    if {$word in $protocol} {
	return [string range $word 1 end]
    }
    if {[dict exists $flags $word]} {
	return [dict get $flags $word]
    }
    set found [dict keys $flags [string map {* \\* ? \\? \[ \\\[} $word]*]
    if {[llength $found] == 1} {
	return [dict get $flags [lindex $found 0]]
    }
    set all [lsort [concat [dict keys $flags] $protocol]]
    return -code error -level 3 -errorcode \
	[list TCL LOOKUP INDEX flag $word] "bad flag \"$word\": must be\
	[join [lrange $all 0 end-1] {, }], or [lindex $all end]"
}

proc ::pyossl::expect::arguments::Seconds {value} {
    if {![::pyossl::expect::Finite $value]} {
	return -code error -level 3 -errorcode \
	    [list PYOSSL EXPECT VALUE $value] \
	    "a timeout is a number of seconds, not \"$value\""
    }
    return $value
}

proc ::pyossl::expect::arguments::From {value level} {
    if {$value ni {peer self}} {
	return -code error -level $level -errorcode \
	    [list PYOSSL EXPECT VALUE $value] \
	    "-from must be peer or self, not \"$value\""
    }
    return $value
}

# ProtocolArguments words i kind argumentVar optionsVar --
#	Reads what stands between the flag of an event's pattern and its body.
# Results:
#	The index of the body.
proc ::pyossl::expect::arguments::ProtocolArguments {words i kind argumentVar
	optionsVar} {
    upvar 1 $argumentVar argument
    upvar 1 $optionsVar options
    set argument *
    switch -- $kind {
	message - record - error {
	    if {$i >= [llength $words]} {
		return -code error -level 3 -errorcode {TCL WRONGARGS} \
		    "wrong # args: should be \"expect -$kind [dict get {
			message name record type error glob} $kind]\""
	    }
	    set argument [lindex $words $i]
	    if {$kind eq "record"} {
		set argument [Named content_type $argument]
	    } elseif {$kind eq "message"} {
		set argument [Message $argument]
	    }
	    incr i
	}
	alert {
	    if {$i >= [llength $words]} {
		return -code error -level 3 -errorcode {TCL WRONGARGS} \
		    {wrong # args: should be "expect -alert ?level? description"}
	    }
	    set first [lindex $words $i]
	    set second [lindex $words $i+1]
	    if {[IsLevel $first $second]} {
		if {$i + 1 >= [llength $words]} {
		    return -code error -level 3 -errorcode {TCL WRONGARGS} \
			{wrong # args: should be "expect -alert ?level? description"}
		}
		dict set options level [Named alert_level $first]
		set first $second
		incr i
	    }
	    set argument [Named alert $first]
	    incr i
	}
	closed {
	    set word [lindex $words $i]
	    if {[regexp {^[a-z*?\[\]]+$} $word]} {
		if {![Globbed $word] && $word ni {clean truncated reset}} {
		    return -code error -level 3 -errorcode \
			[list PYOSSL EXPECT VALUE $word] "bad end \"$word\":\
			must be clean, truncated, or reset"
		}
		set argument $word
		incr i
	    }
	}
    }
    if {[lindex $words $i] eq "-from"} {
	if {$kind ni {message alert record}} {
	    return -code error -level 3 -errorcode \
		{PYOSSL EXPECT VALUE -from} \
		"-from goes with -message, -alert and -record, not with -$kind"
	}
	if {$i + 1 >= [llength $words]} {
	    return -code error -level 3 -errorcode {TCL WRONGARGS} \
		{wrong # args: should be "expect -from peer|self"}
	}
	dict set options from [From [lindex $words $i+1] 4]
	incr i 2
    }
    return $i
}

# Named registry value --
#	What a pattern says as the name that events have for it: a number, a name,
#	or a glob, which is left as it is.
# Errors:
#	PYOSSL EXPECT NAME for a name there is not, or a number that is no byte:
#	it could never match.
proc ::pyossl::expect::arguments::Named {registry value} {
    if {[Byte $value]} {
	return [::pyossl::expect::names::name $registry $value]
    }
    if {[Globbed $value]} {
	return $value
    }
    if {![::pyossl::expect::names::known $registry $value]} {
	NoName $registry $value \
	    [dict values [::pyossl::expect::names::table $registry]]
    }
    return [::pyossl::expect::names::name $registry \
	[::pyossl::expect::names::code $registry $value]]
}

# The same for the name of a message, which its events have from the codec or,
# where that does not know it, from the registry.
proc ::pyossl::expect::arguments::Message {value} {
    if {[Byte $value]} {
	# As the events have it, however it was written.
	return [expr {$value + 0}]
    }
    if {[Globbed $value]} {
	return $value
    }
    set known [handshakes]
    if {$value in $known} {
	return $value
    }
    dict for {record name} $::pyossl::expect::message::records {
	if {$value eq $name} {
	    # The codec reads these too, but they are no events.
	    return -code error -level 4 -errorcode \
		{PYOSSL EXPECT NAME handshake_type} "$value is no handshake\
		message but a record: should be \"expect [expr {
		    $record eq "alert" ? "-alert" : "-record $record"}]\""
	}
    }
    if {![::pyossl::expect::names::known handshake_type $value]} {
	NoName handshake_type $value $known
    }
    return [lindex [::pyossl::expect::message::Find $value] 0]
}

# arguments::handshakes --
#	The names of the messages of which there are events.
proc ::pyossl::expect::arguments::handshakes {} {
    set all [::pyossl::expect::message::names]
    set records [dict values $::pyossl::expect::message::records]
    return [lmap name $all {
	if {$name in $records} continue
	set name
    }]
}

# Is it a number that fits a byte?
proc ::pyossl::expect::arguments::Byte {value} {
    return [expr {[string is integer -strict $value]
	&& $value >= 0 && $value <= 255}]
}

# Does a word have characters that are special in a glob?
proc ::pyossl::expect::arguments::Globbed {value} {
    return [regexp {[*?\[\\]} $value]
}

# The error of a name there is not, for the caller of expect.
proc ::pyossl::expect::arguments::NoName {registry value known} {
    set what [dict get {
	content_type record handshake_type message alert alert
	alert_level {alert level}
    } $registry]
    return -code error -level 5 -errorcode [list PYOSSL EXPECT NAME $registry] \
	"unknown $what \"$value\": must be a number up to 255, a glob, or one of\
	[join [lrange $known 0 end-1] {, }], or [lindex $known end]"
}

# Is the first word after -alert a level? A glob or another number is one where
# a description follows.
proc ::pyossl::expect::arguments::IsLevel {first second} {
    set number [string is integer -strict $first]
    if {$first in {warning fatal} || $number && $first + 0 in {1 2}} {
	return 1
    }
    return [expr {($number || [Globbed $first]) && ([regexp {^[a-z_]*[*?][a-z_*?]*$} $second]
	|| [string is integer -strict $second]
	|| [::pyossl::expect::names::known alert $second])}]
}

#------------------------------------------------------------------------
# Endpoints
#------------------------------------------------------------------------

# What -i names.
proc ::pyossl::expect::arguments::Where {value level} {
    incr level
    if {$value eq "any" || ([info exists ::any_spawn_id]
	    && $value eq $::any_spawn_id)} {
	return any
    }
    if {[string is list $value] && [llength $value]} {
	set known 1
	foreach id $value {
	    if {![::pyossl::expect::endpoint::exists $id]} {
		set known 0
		break
	    }
	}
	if {$known} {
	    return [list ids $value]
	}
	if {[llength $value] == 1} {
	    # A variable of the script, or a global one.
	    set name [lindex $value 0]
	    if {![catch {uplevel $level [list ::info exists $name]} there]
		    && $there} {
		set full [uplevel $level \
		    [list ::namespace which -variable $name]]
		if {$full ne ""} {
		    return [list variable $full $name]
		}
		# One of a procedure: it cannot change while the script waits.
		return [list ids [uplevel $level [list ::set $name]]]
	    }
	    set global ::[string trimleft $name :]
	    if {[info exists $global]} {
		return [list variable $global $name]
	    }
	}
    } else {
	set id $value
    }
    return -code error -level 3 -errorcode \
	[list PYOSSL EXPECT NOENDPOINT $id] "there is no endpoint \"$id\""
}

# Where a pattern is looked for without -i: on the current endpoint.
proc ::pyossl::expect::arguments::Default {where level} {
    if {$where ne ""} {
	return $where
    }
    incr level
    set id [::pyossl::expect::ReadVariable spawn_id "" $level]
    if {$id eq ""} {
	return -code error -level 3 -errorcode \
	    {PYOSSL EXPECT NOENDPOINT {}} \
	    "no endpoint: nothing was spawned, and there is no -i"
    }
    if {![::pyossl::expect::endpoint::exists $id]} {
	return -code error -level 3 -errorcode \
	    [list PYOSSL EXPECT NOENDPOINT $id] "there is no endpoint \"$id\""
    }
    return [list ids [list $id]]
}

# arguments::Ids where --
#	The endpoints that a pattern is looked for on now; those that are not
#	known are left out.
proc ::pyossl::expect::arguments::Ids {where} {
    switch -- [lindex $where 0] {
	ids {
	    return [lindex $where 1]
	}
	variable {
	    set name [lindex $where 1]
	    if {[info exists $name]} {
		return [lmap id [set $name] {
		    if {![::pyossl::expect::endpoint::exists $id]} continue
		    set id
		}]
	    }
	}
    }
    return {}
}

#------------------------------------------------------------------------
# The braced form
#------------------------------------------------------------------------

# Unbrace words level --
#	A single argument that begins with a line end is a block: the words in
#	it are substituted in the script's scope. So is one that follows nothing
#	but -i and -timeout, if there is more than a pattern in it.
proc ::pyossl::expect::arguments::Unbrace {words level} {
    incr level
    set last [lindex $words end]
    if {[llength $words] == 2 && [lindex $words 0] in {-nobrace -brace}} {
	return [expr {[lindex $words 0] eq "-brace"
	    ? [Substitute $last $level] : [list -gl $last]}]
    }
    if {![regexp {^\s*\n\s*\S} $last]} {
	if {[llength $words] == 1 && [string is space $last]
		&& [string first \n $last] >= 0} {
	    return {}
	}
	return $words
    }
    if {[llength $words] == 1} {
	return [Substitute $last $level]
    }
    foreach {flag value} [lrange $words 0 end-1] {
	if {$flag ni {-i -timeout}} {
	    return $words
	}
    }
    if {[llength $words] % 2 == 0 || [llength [Split $last]] == 0} {
	return $words
    }
    set inner [Substitute $last $level]
    return [expr {[llength $inner] > 1
	? [concat [lrange $words 0 end-1] $inner] : $words}]
}

# The words of a block, substituted in the script's scope.
proc ::pyossl::expect::arguments::Substitute {block level} {
    incr level
    set words {}
    foreach command [Split $block] {
	lappend words {*}[uplevel $level "::list $command"]
    }
    return $words
}

# Split block --
#	A block as the list of its commands: they end at line ends and
#	semicolons that stand in no quotes, braces or brackets. Comments are
#	left out.
proc ::pyossl::expect::arguments::Split {block} {
    variable blocks
    if {[dict exists $blocks $block]} {
	return [dict get $blocks $block]
    }
    set commands {}
    set current ""
    set comment 0
    # Pieces between the places where a command may end.
    foreach {- piece sep} [regexp -all -inline \
	    {((?:[^\\\n;]|\\.)*)(\n|;|$|\\$)} $block] {
	if {$current eq ""} {
	    set piece [string trimleft $piece]
	    if {[string match #* $piece]} {
		set comment 1
	    }
	}
	if {$comment} {
	    set comment [expr {$sep eq ";"}]
	    continue
	}
	append current $piece
	if {[info complete $current\n]} {
	    if {[string trim $current] ne ""} {
		lappend commands $current
	    }
	    set current ""
	} else {
	    append current $sep
	}
    }
    if {[string trim $current] ne ""} {
	lappend commands $current
    }
    if {[dict size $blocks] > 200} {
	set blocks {}
    }
    dict set blocks $block $commands
    return $commands
}
