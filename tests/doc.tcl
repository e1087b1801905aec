# doc.tcl --
#
#	Reads the documentation for doc.test and manual.test: what the pages
#	say there is ([call]s), and the examples, which can be run.
#
#	doc::pages		the names of the pages doc/NAME.man
#	doc::entries PAGE	what its [call]s say, see there
#	doc::examples FILE	{line script} of each example of a .man or .md
#	doc::run FILE FOLDER	runs them, and returns what is wrong
#
#	The last one works in the process that calls it; runexamples of doc.test
#	does it in a child.

package require Tcl 8.6-

namespace eval doc {
    variable root [file dirname [file dirname [file normalize [info script]]]]
    variable ran 0		;# how many examples doc::run has run
}

# The path of a page, or of a Markdown file as it is called in the project.
proc doc::path {name} {
    variable root
    if {[file extension $name] eq ".md"} {
	return [file join $root $name]
    }
    return [file join $root doc $name.man]
}

proc doc::pages {} {
    variable root
    return [lsort [lmap path [glob -nocomplain -directory \
	    [file join $root doc] *.man] {
	file rootname [file tail $path]
    }]]
}

proc doc::read {path} {
    set channel [open $path]
    try {
	fconfigure $channel -encoding utf-8
	return [::read $channel]
    } finally {
	close $channel
    }
}

# The number of the line in which a character stands.
proc doc::lineOf {text index} {
    return [expr {[regexp -all {\n} [string range $text 0 $index-1]] + 1}]
}

#------------------------------------------------------------------------
# [call]s
#------------------------------------------------------------------------

# calls page --
#	All [call]s of a page as {line words}, each word {kind text}: C a cmd,
#	M a method, A an arg, W any other word, O what is optional (then text
#	is a list of words).
proc doc::calls {page} {
    set text [read [path $page]]
    set reader [interp create -safe]
    try {
	$reader eval {
	    proc cmd text {list [list C $text]}
	    proc method text {list [list M $text]}
	    proc arg text {list [list A $text]}
	    proc opt text {list [list O [words $text]]}
	    foreach name {option const type emph file fun widget} {
		proc $name text {list [list W $text]}
	    }
	    # Marked-up words stand in braces, others do not.
	    proc words text {
		set result {}
		foreach word $text {
		    if {[lindex $word 0] in {C M A O W} && [llength $word] == 2} {
			lappend result $word
		    } else {
			lappend result [list W $word]
		    }
		}
		return $result
	    }
	    proc call args {
		set result {}
		foreach word $args {
		    lappend result {*}[words $word]
		}
		return $result
	    }
	}
	set result {}
	foreach range [regexp -all -inline -indices {\[call\M} $text] {
	    set start [lindex $range 0]
	    set end [string first \] $text $start]
	    while {![info complete [string range $text $start+1 $end-1]]} {
		set end [string first \] $text $end+1]
		if {$end < 0} {
		    return -code error \
			"$page.man:[lineOf $text $start]: \[call\] has no end"
		}
	    }
	    lappend result [list [lineOf $text $start] \
		[$reader eval [string range $text $start+1 $end-1]]]
	}
	return $result
    } finally {
	interp delete $reader
    }
}

# How many words a list of words may stand for: {min max}, max -1 any.
proc doc::count {words} {
    set min 0
    set max 0
    foreach word $words {
	lassign $word kind text
	if {$kind eq "O"} {
	    lassign [count $text] - more
	} else {
	    incr min
	    set more 1
	    if {[string match *...* $text]} {
		incr min -1
		set more -1
	    }
	}
	set max [expr {$max < 0 || $more < 0 ? -1 : $max + $more}]
    }
    return [list $min $max]
}

# entries page --
#	What the page says there is: a dict of
#	    {class NAME METHOD}  {sub NAME SUBCOMMAND}  {command NAME}
#	to {min max line}.  Several [call]s of one thing are put together.
proc doc::entries {page} {
    set entries {}
    foreach call [calls $page] {
	lassign $call line words
	lassign [lindex $words 0] kind first
	lassign [lindex $words 1] kind2 second
	if {$kind eq "C" && $kind2 eq "M"} {
	    set key [list sub [namespace tail $first] $second]
	    set rest [lrange $words 2 end]
	} elseif {$kind eq "C"} {
	    set key [list command [namespace tail $first]]
	    set rest [lrange $words 1 end]
	} elseif {$kind eq "A" && $kind2 eq "M"} {
	    # A page may describe two classes: its [arg] tells which is meant.
	    set class [expr {[isClass $first] ? $first : $page}]
	    set key [list class $class $second]
	    set rest [lrange $words 2 end]
	} elseif {$kind eq "A" && $kind2 eq "A"} {
	    continue		;# Any of many names, see x509name.
	} else {
	    return -code error "$page.man:$line: a \[call\] of an unknown form"
	}
	lassign [count $rest] min max
	if {[dict exists $entries $key]} {
	    lassign [dict get $entries $key] oldMin oldMax line
	    set min [expr {min($min, $oldMin)}]
	    set max [expr {$max < 0 || $oldMax < 0 ? -1 : max($max, $oldMax)}]
	}
	dict set entries $key [list $min $max $line]
    }
    return $entries
}

proc doc::isClass {name} {
    return [expr {[lindex [::pyossl::Describe $name] 0] eq "class"}]
}

# What the dispatcher goes by, in the form of [entries].  The library's own
# commands take options and count for themselves.
proc doc::reality {} {
    set entries {}
    foreach name [namespace eval ::pyossl {namespace export}] {
	lassign [::pyossl::Describe $name] kind rows
	switch -- $kind {
	    class {
		foreach row $rows {
		    lassign $row method min max
		    if {$method eq "new"} {
			dict set entries [list sub $name new] [list $min $max]
			dict set entries [list sub $name create] \
			    [list [expr {$min + 1}] \
			    [expr {$max < 0 ? -1 : $max + 1}]]
		    } else {
			dict set entries [list class $name $method] \
			    [list $min $max]
		    }
		}
		dict set entries [list sub $name is] {1 1}
		dict set entries [list sub $name instances] {0 0}
	    }
	    ensemble {
		foreach row $rows {
		    lassign $row sub min max
		    dict set entries [list sub $name $sub] [list $min $max]
		}
	    }
	    function {
		lassign [lindex $rows 0] - min max
		dict set entries [list command $name] [list $min $max]
	    }
	    default {
		dict set entries [list command $name] {}
	    }
	}
    }
    return $entries
}

# The words in which a script uses an entry, as a regular expression.
proc doc::usePattern {key} {
    lassign $key kind name word
    switch -- $kind {
	class {
	    # An object (a name, a variable or a command in brackets), then the
	    # method.
	    set pattern {(^|[\s\[;\{"])(?:\$?[\w:]+|\$\{[\w:]+\}|\[[^]]*\]) WORD(?![\w:.(])}
	}
	sub {
	    set pattern {pyossl(?:::| )NAME WORD(?!\w)}
	}
	command {
	    set pattern {pyossl(?:::| )NAME(?!\w)}
	}
    }
    return [string map [list NAME $name WORD $word] $pattern]
}

#------------------------------------------------------------------------
# Examples
#------------------------------------------------------------------------

# examples name --
#	{line script} for each example; of Markdown these are the blocks that
#	begin with ```tcl.
proc doc::examples {name} {
    set text [read [path $name]]
    set result {}
    if {[file extension $name] eq ".md"} {
	foreach {all inside} [regexp -all -inline -indices \
		{\n```tcl\n(.*?)\n```} $text] {
	    lassign $inside start end
	    lappend result [list [lineOf $text $start] \
		[string range $text $start $end]]
	}
	return $result
    }
    foreach {all inside} [regexp -all -inline -indices \
	    {\[example_begin\]\n(.*?)\n\[example_end\]} $text] {
	lassign $inside start end
	set script [string map {[lb] [ [rb] ]} [string range $text $start $end]]
	lappend result [list [lineOf $text $start] $script]
    }
    return $result
}

# run name folder --
#	Runs the examples of a file, each in an interpreter of its own with
#	that folder as the working directory.  A line "# => value" behind a
#	command states its result; several such lines are several lines of it.
#	An example that begins with "# For the examples below" is put before
#	each of those that follow it.
# Results:
#	A list of "file:line: what is wrong".
proc doc::run {name folder} {
    variable wrong {}
    variable ran 0
    set file [expr {[file extension $name] eq ".md" ? $name : "$name.man"}]
    cd $folder
    set common {}
    foreach example [examples $name] {
	lassign $example line script
	runOne $file $common $line $script
	if {[string match "# For the examples below*" $script]} {
	    set common $script
	}
	incr ran
    }
    return $wrong
}

proc doc::runOne {file common line script} {
    variable wrong
    set child [interp create]
    try {
	$child eval [list set ::auto_path $::auto_path]
	$child eval {package require pyossl}
	interp alias $child docBackground {} doc::background $file $line
	interp bgerror $child docBackground
	$child eval $common
	set command ""
	set start $line
	set result ""
	set expected {}
	set pending 0
	foreach text [split $script\n \n] {
	    if {$command eq "" && [regexp {^\s*# =>(?: (.*))?$} $text - value]} {
		lappend expected $value
		set pending 1
		incr line
		continue
	    }
	    if {$pending} {
		compare $file $start [join $expected \n] $result
		set expected {}
		set pending 0
	    }
	    if {$command eq ""} {
		set start $line
	    }
	    incr line
	    append command $text
	    if {![info complete $command\n]} {
		append command \n
		continue
	    }
	    if {[string trim $command] eq ""
		    || [string match #* [string trim $command]]} {
		set command ""
		continue
	    }
	    if {[catch {$child eval $command} result info]} {
		lappend wrong "$file:$start: $result\
		    ([dict get $info -errorcode])"
		return
	    }
	    set command ""
	}
	if {$command ne ""} {
	    lappend wrong "$file:$start: the example ends inside a command"
	}
	update
    } finally {
	interp delete $child
    }
}

proc doc::compare {file line expected result} {
    variable wrong
    if {[string trim $result] ne [string trim $expected]} {
	lappend wrong "$file:$line: the result is \"$result\",\
	    the page says \"$expected\""
    }
}

proc doc::background {file line message info} {
    variable wrong
    lappend wrong "$file:$line: in the background: $message"
}
