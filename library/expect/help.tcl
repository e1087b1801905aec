# help.tcl --
#
#	Help for every command, out of the sources: the comment above a command
#	is its description.  So nothing can be said twice, and differently.

namespace eval ::pyossl::expect::help {
    variable texts		;# array: command -> its description
    # In what order and under which titles they are listed.
    variable groups {
	"Endpoints"	{spawn endpoint spawned exp_close wait authority}
	"Send and expect" {send expect expect_before expect_after
	    exp_continue handshake interact match_max}
	"The wire"	{wire decode encode}
	"Reports"	{transcript check fail skip constraint conversations probe}
	"What is shown"	{live log_user log_file exp_internal}
	"The prompt"	{help history why}
    }
}

# help ?command? --
#	What a command does, or the list of all.
# Results:
#	The text.
# Errors:
#	PYOSSL EXPECT NOHELP for a command of which nothing is known.
proc ::pyossl::expect::help {args} {
    if {[llength $args] > 1} {
	return -code error -errorcode {TCL WRONGARGS} \
		"wrong # args: should be \"help ?command?\""
    }
    if {![llength $args]} {
	return [help::overview]
    }
    set name [namespace tail [lindex $args 0]]
    set text [help::text $name]
    if {$text eq ""} {
	return -code error -errorcode [list PYOSSL EXPECT NOHELP $name] \
		"no help for \"$name\"; help without an argument lists the commands"
    }
    return $text
}

# help::text name --
#	The description of a command, or "".
proc ::pyossl::expect::help::text {name} {
    variable texts
    load
    return [expr {[info exists texts($name)] ? $texts($name) : ""}]
}

# help::known --
#	The commands of which there is a description.
proc ::pyossl::expect::help::known {} {
    variable texts
    load
    return [array names texts]
}

# help::summary name ?width? --
#	Its first sentence, as far as there is room for it.
proc ::pyossl::expect::help::summary {name {width 62}} {
    set words {}
    foreach line [split [text $name] \n] {
	if {[regexp {^    (\S.*)$} $line - part]} {
	    lappend words $part
	} elseif {[llength $words]} {
	    break
	}
    }
    set sentence [join $words]
    regexp {^(.*?)[.;](?:\s|$)} $sentence - sentence
    if {[string length $sentence] > $width} {
	set sentence [string range $sentence 0 $width-4]
	set sentence "[string trimright [string range $sentence 0 \
		[string last " " $sentence]] { ,:}]..."
    }
    return $sentence
}

# help::options name --
#	The options that its description has.
proc ::pyossl::expect::help::options {name} {
    set options {}
    foreach {- option} [regexp -all -inline {(?:^|[\s?"|(])(-[a-z][a-z_0-9]*)} \
	    [text $name]] {
	lappend options $option
    }
    return [lsort -unique $options]
}

# Reads all files of the package, once.
proc ::pyossl::expect::help::load {} {
    variable texts
    if {[array exists texts]} {
	return
    }
    array set texts {}
    array set subcommands {}
    set exported [namespace eval ::pyossl::expect {namespace export}]
    foreach path [lsort [glob -directory $::pyossl::expect::library *.tcl]] {
	set channel [open $path]
	fconfigure $channel -encoding utf-8
	set source [read $channel]
	close $channel
	foreach {- comment name} [regexp -all -inline -line \
		{((?:^#.*\n)+)^proc ::pyossl::expect::([\w:]+) } $source] {
	    set first ""
	    regexp {^# (\w+) } $comment - first
	    if {[regexp {^[a-z]\w*$} $name]} {
		set texts($name) [format $comment]
	    } elseif {$first in $exported} {
		# A subcommand, of which the procedure has another name.
		lappend subcommands($first) [format $comment]
	    }
	}
    }
    foreach {name list} [array get subcommands] {
	if {[info exists texts($name)]} {
	    continue
	}
	set texts($name) [join $list \n]
    }
}

# A comment as text: the usage first, then the description.
proc ::pyossl::expect::help::format {comment} {
    set lines {}
    foreach line [split [string trimright $comment] \n] {
	set line [untab $line]
	if {![regsub {^#       } $line "    " line]} {
	    regsub {^# ?} $line "" line
	}
	# A short description may stand behind the usage.
	if {[regexp {^(\S.*?) -- (.+)$} $line - line more]} {
	    lappend lines $line "    $more"
	} else {
	    lappend lines [regsub { --$} $line ""]
	}
    }
    return [join $lines \n]
}

# Tabs as spaces, up to every eighth column.
proc ::pyossl::expect::help::untab {line} {
    set result ""
    foreach part [split $line \t] {
	append result $part
	append result [string repeat " " [expr {8 - [string length $result] % 8}]]
    }
    return [string trimright $result]
}

# All commands with their first sentences.
proc ::pyossl::expect::help::overview {} {
    variable groups
    set lines {}
    foreach {title names} $groups {
	set entries [lmap name $names {
	    if {[text $name] eq ""} {
		continue
	    }
	    ::format "  %-14s %s" $name [summary $name]
	}]
	if {[llength $entries]} {
	    lappend lines $title {*}$entries
	}
    }
    lappend lines "" "help COMMAND tells more; every Tcl command works here, too."
    return [join $lines \n]
}
