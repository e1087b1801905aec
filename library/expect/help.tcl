# help.tcl --
#
#	Help for every command, out of the sources: the comment above a command
#	is its description.  So nothing can be said twice, and differently.

namespace eval ::pyossl::expect::help {
    variable texts		;# array: command -> its description
    # In what order and under which titles they are listed.
    variable groups {
	"Endpoints"	{spawn endpoint spawned exp_close wait authority}
	"Send and expect" {send exp_send expect expect_before expect_after
	    exp_continue handshake interact match_max}
	"The wire"	{wire decode encode}
	"Reports"	{transcript check fail skip constraint probe}
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

# help::summary name --
#	Its first sentence.
proc ::pyossl::expect::help::summary {name} {
    set lines [lrange [split [text $name] \n] 1 end]
    set words ""
    foreach line $lines {
	if {[regexp {^\S} $line] || $line eq ""} {
	    break
	}
	append words " " [string trim $line]
    }
    regexp {^.*?[.:;](?=\s|$)} $words words
    return [string trimright [string trim $words] :;]
}

# help::options name --
#	The options that its description has.
proc ::pyossl::expect::help::options {name} {
    return [lsort -unique [regexp -all -inline {(?<![\w-])-[a-z][a-z_0-9]*} \
	    [text $name]]]
}

# Reads all files of the package, once.
proc ::pyossl::expect::help::load {} {
    variable texts
    if {[array exists texts]} {
	return
    }
    array set texts {}
    foreach path [lsort [glob -directory $::pyossl::expect::library *.tcl]] {
	set channel [open $path]
	fconfigure $channel -encoding utf-8
	set source [read $channel]
	close $channel
	foreach {- comment name} [regexp -all -inline -line \
		{((?:^#.*\n)+)^proc ::pyossl::expect::(\w+) } $source] {
	    if {[string match {[a-z]*} $name]} {
		set texts($name) [format $comment]
	    }
	}
    }
}

# A comment as text: the usage first, then the description.
proc ::pyossl::expect::help::format {comment} {
    set lines {}
    foreach line [split [string trimright $comment] \n] {
	regsub {^# ?} $line "" line
	regsub {^\t} $line "    " line
	lappend lines [string map {\t "        "} $line]
    }
    regsub { --$} [lindex $lines 0] "" first
    return [join [lreplace $lines 0 0 $first] \n]
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
