# conversation.tcl --
#
#	Ready conversations: checks that run against any server or client. This
#	file is their list and how they are run; talk.tcl has the words in which
#	they are written, and the folder conversations the conversations.
#
#	    family, conversation -> rows -> run -> Play -> check -> result
#	                                     |
#	                                     +-> other processes, which Play
#
#	A row is a dict: name family side versions title source script. The
#	family is what stands before the first hyphen of the name.

namespace eval ::pyossl::expect::conversation {
    variable rows {}		;# dict: name -> dict
    variable families {}	;# dict: name -> dict of side and text
    variable file ""		;# the file that is being loaded
    variable loaded 0
    # What starts another tclsh, for -parallel.
    variable program [list [info nameofexecutable]]
    variable sides {server client}
    # The options of a run, with what they are if they are not given.
    variable defaults {
	-server {} -client {} -family * -only * -skip {} -timeout 2
	-parallel 1 -format {} -channel stdout -output {} -versions {}
	-servername {} -deviations {} -command {}
    }

    namespace ensemble create -command ::pyossl::expect::conversations -map {
	families ::pyossl::expect::conversation::Families
	info ::pyossl::expect::conversation::Info
	list ::pyossl::expect::conversation::List
	load ::pyossl::expect::conversation::Source
	run ::pyossl::expect::conversation::Run
    }
}

::pyossl::expect::Load check.tcl
::pyossl::expect::Load talk.tcl
::pyossl::expect::Load talkback.tcl

#------------------------------------------------------------------------
# Writing them
#------------------------------------------------------------------------

# conversation::family name side text --
#	A family, of conversations that begin with its name.
# Arguments:
#	side	whom they test: server or client; the default of the rows
#	text	what they are about, in one line
proc ::pyossl::expect::conversation::family {name side text} {
    variable families
    variable sides
    if {$side ni $sides} {
	return -code error -errorcode [list PYOSSL EXPECT VALUE $side] \
	    "a side is server or client, not \"$side\""
    }
    dict set families $name [dict create side $side text $text]
    return
}

# conversation::conversation name title ?-option value ...? script --
#	Adds a conversation, or takes the place of one.
# Arguments:
#	name	FAMILY-TOPIC-N; the family must be there
#	title	what is tested, in a line
#	-source	the rule, such as {RFC 8446, 4.1.2}
#	-versions	the versions it can be held in; it is held in the first
#		of them that the peer speaks. Empty (the default): in any.
#	-side	server or client; by default that of its family
#	script	runs as a check, with the words of talk.tcl and the commands of
#		the harness without prefix; version is a variable in it
# Errors:
#	PYOSSL EXPECT VALUE for a name or side that cannot be.
proc ::pyossl::expect::conversation::conversation {name title args} {
    variable rows
    variable families
    variable sides
    if {[llength $args] % 2 == 0} {
	return -code error -errorcode {TCL WRONGARGS} "wrong # args: should be\
	    \"conversation name title ?-option value ...? script\""
    }
    set family [lindex [split $name -] 0]
    if {![regexp {^\w+(-\w+)+$} $name] || ![dict exists $families $family]} {
	return -code error -errorcode [list PYOSSL EXPECT VALUE $name] \
	    "a conversation is called FAMILY-TOPIC-N, by a family that there\
	    is, not \"$name\""
    }
    set options [dict create -side [dict get $families $family side] \
	-versions {} -source {}]
    foreach {option value} [lrange $args 0 end-1] {
	set option [tcl::prefix match -message option [dict keys $options] \
	    $option]
	dict set options $option $value
    }
    if {[dict get $options -side] ni $sides} {
	return -code error -errorcode \
	    [list PYOSSL EXPECT VALUE [dict get $options -side]] \
	    "a side is server or client, not \"[dict get $options -side]\""
    }
    set frame [info frame -1]
    dict set rows $name [dict create name $name family $family \
	side [dict get $options -side] versions [dict get $options -versions] \
	title $title source [dict get $options -source] \
	file [expr {[dict exists $frame file] ? [dict get $frame file] : ""}] \
	line [expr {[dict exists $frame file] ? [dict get $frame line] : ""}] \
	script [lindex $args end]]
    return
}

#------------------------------------------------------------------------
# The command: what help tells first
#------------------------------------------------------------------------

# conversations run -server {host port} | -client command ?-option value ...? --
#	Holds conversations with a server or a client, one check each.
# Arguments:
#	-server	where the server listens
#	-client	a list of words; in them %port% becomes the port to connect to
#		and %ca% the file of the authority that has signed the
#		certificates. The command runs once for each conversation.
#	-family, -only	globs, of which one must match
#	-skip	globs, of which none may match
#	-timeout	how many seconds to wait for each answer
#	-parallel	in how many processes
#	-versions	the versions that the peer speaks; by default they are
#		found out first
#	-servername	the name to ask for, if it is not the host's
#	-deviations	a dict of names and reasons: these are known to fail. One
#		that does is skipped with the reason; one that passes fails.
#	-format	text, tap, junit or json: a report, to -channel (default stdout)
#		or a file, -output. Without it the results go where those of
#		other checks go.
#	-command	a command prefix, called with each result
# Results:
#	A list of the results: dicts as of other checks, with conversation, the
#	name, besides. Those of the family Sanity come first, and once more last.
# Errors:
#	TCL LOOKUP INDEX for an option that there is not; PYOSSL EXPECT VALUE.
proc ::pyossl::expect::conversation::Run {args} {
    set settings [Settings $args]
    set names [Chosen $settings]
    if {[dict get $settings -format] eq ""} {
	return [Hold $names $settings]
    }
    ::pyossl::expect::Load report.tcl
    set channel [dict get $settings -channel]
    if {[dict get $settings -output] ne ""} {
	set channel [open [dict get $settings -output] w]
	fconfigure $channel -encoding utf-8
    }
    upvar #0 ::pyossl::expect::check::watchers watchers
    set saved $watchers
    try {
	set format [dict get $settings -format]
	set start [clock microseconds]
	set timestamp [clock seconds]
	::pyossl::expect::report::begin $format $channel
	set watchers [list [list ::pyossl::expect::report::note $format \
	    $channel]]
	set results [Hold $names $settings]
	::pyossl::expect::report::finish $format $channel [list [dict create \
	    file conversations timestamp $timestamp output "" results $results \
	    seconds [expr {([clock microseconds] - $start) / 1e6}]]]
    } finally {
	set watchers $saved
	if {[dict get $settings -output] ne ""} {
	    close $channel
	}
    }
    return $results
}

#------------------------------------------------------------------------
# Files of them
#------------------------------------------------------------------------

# Loads those that come with the package.
proc ::pyossl::expect::conversation::Ready {} {
    variable loaded
    if {!$loaded} {
	set loaded 1
	foreach path [lsort [glob -directory [file join \
		$::pyossl::expect::library conversations] *.tcl]] {
	    Source $path
	}
    }
}

# conversations load file --
#	Loads a file of conversations of one's own.
proc ::pyossl::expect::conversation::Source {path} {
    variable own
    Ready
    if {[file dirname $path] ne [file join $::pyossl::expect::library \
	    conversations]} {
	dict set own [file normalize $path] 1
    }
    # As in a procedure: its variables are nobody else's.
    apply {{path} {
	source -encoding utf-8 $path
    } ::pyossl::expect::conversation} $path
}

#------------------------------------------------------------------------
# The list
#------------------------------------------------------------------------

# conversations families --
#	A dict of the families: side and text of each.
proc ::pyossl::expect::conversation::Families {} {
    variable families
    Ready
    return $families
}

# conversations list ?-family glob? ?-side server|client? ?glob ...? --
#	The names, in the order in which they run.
proc ::pyossl::expect::conversation::List {args} {
    variable rows
    Ready
    set wanted {-family * -side *}
    while {[dict exists $wanted [lindex $args 0]] && [llength $args] > 1} {
	set args [lassign $args option value]
	dict set wanted $option $value
    }
    if {[llength $args] == 0} {
	set args *
    }
    return [lmap name [dict keys $rows] {
	set row [dict get $rows $name]
	if {![string match [dict get $wanted -family] [dict get $row family]]
		|| ![string match [dict get $wanted -side] \
		[dict get $row side]] || ![Matches $args $name]} {
	    continue
	}
	set name
    }]
}

# Does a name match one of the patterns?
proc ::pyossl::expect::conversation::Matches {patterns name} {
    foreach pattern $patterns {
	if {[string match $pattern $name]} {
	    return 1
	}
    }
    return 0
}

# conversations info name --
#	A dict: name family side versions title source file line script.
# Errors:
#	TCL LOOKUP INDEX for a conversation that there is not.
proc ::pyossl::expect::conversation::Info {name} {
    variable rows
    Ready
    if {![dict exists $rows $name]} {
	return -code error -errorcode \
	    [list TCL LOOKUP INDEX conversation $name] \
	    "there is no conversation \"$name\""
    }
    return [dict get $rows $name]
}

#------------------------------------------------------------------------
# Running them
#------------------------------------------------------------------------

# The options of run, looked at.
proc ::pyossl::expect::conversation::Settings {words} {
    variable defaults
    if {[llength $words] % 2} {
	return -code error -level 2 -errorcode {TCL WRONGARGS} \
	    "wrong # args: should be\
	    \"conversations run -server {host port} ?-option value ...?\""
    }
    set settings $defaults
    foreach {option value} $words {
	if {![dict exists $defaults $option]} {
	    return -code error -level 2 -errorcode \
		[list TCL LOOKUP INDEX option $option] "bad option\
		\"$option\": must be [join [dict keys $defaults] {, }]"
	}
	dict set settings $option $value
    }
    dict with settings {
	set wrong ""
	if {([llength ${-server}] == 0) == ([llength ${-client}] == 0)} {
	    set wrong "either -server or -client is wanted"
	} elseif {[llength ${-server}] ni {0 2}} {
	    set wrong "-server wants a list of host and port"
	} elseif {[llength ${-client}] && ![regexp %port% ${-client}]} {
	    set wrong "-client wants a command with %port% in it"
	} elseif {![::pyossl::expect::Finite ${-timeout}] || ${-timeout} <= 0} {
	    set wrong "-timeout must be a number of seconds"
	} elseif {![string is integer -strict ${-parallel}]
		|| ${-parallel} < 1} {
	    set wrong "-parallel must be a number of processes"
	} elseif {${-format} ni {{} text tap junit json}} {
	    set wrong "-format must be text, tap, junit or json"
	}
    }
    if {$wrong ne ""} {
	return -code error -level 2 -errorcode {PYOSSL EXPECT VALUE} $wrong
    }
    set families [dict keys [Families]]
    foreach pattern [dict get $settings -family] {
	if {[lsearch -glob $families $pattern] < 0} {
	    return -code error -level 2 -errorcode \
		[list PYOSSL EXPECT VALUE $pattern] "there is no family\
		\"$pattern\": they are [join $families {, }]"
	}
    }
    dict set settings side \
	[expr {[dict get $settings -server] ne "" ? "server" : "client"}]
    return $settings
}

# The names of those that are wanted.
proc ::pyossl::expect::conversation::Chosen {settings} {
    set names [lmap name [List -side [dict get $settings side]] {
	set family [dict get [Info $name] family]
	if {![Matches [dict get $settings -family] $family]
		|| ![Matches [dict get $settings -only] $name]
		|| [Matches [dict get $settings -skip] $name]} {
	    continue
	}
	set name
    }]
    set sanity [lsearch -all -inline $names Sanity-*]
    set names [lsearch -all -inline -not $names Sanity-*]
    # Does the peer still stand when all is over?
    return [concat $sanity $names [expr {[llength $names] ? $sanity : {}}]]
}

# Holds those conversations, in their order or in several processes.
proc ::pyossl::expect::conversation::Hold {names settings} {
    variable results
    dict set settings trouble ""
    if {[dict get $settings -versions] eq ""} {
	dict set settings -versions [script::spoken $settings]
	dict set settings trouble $script::trouble
    }
    set results {}
    if {[dict get $settings -parallel] == 1} {
	foreach name $names {
	    Conclude [Play $name $settings] $settings
	}
    } else {
	# The first and the last ones are alone.
	set i 0
	while {[string match Sanity-* [lindex $names $i]]} {
	    Conclude [Play [lindex $names $i] $settings] $settings
	    incr i
	}
	Share [lsearch -all -inline -not $names Sanity-*] $settings
	if {$i < [llength $names]} {
	    foreach name [lrange $names 0 $i-1] {
		Conclude [Play $name $settings] $settings
	    }
	}
    }
    return $results
}

# Files a result, with what is known of deviations.
proc ::pyossl::expect::conversation::Conclude {result settings} {
    variable results
    set name [dict get $result conversation]
    set known [dict get $settings -deviations]
    if {[dict exists $known $name]} {
	set reason [dict get $known $name]
	switch -- [dict get $result result] {
	    fail {
		dict set result result skip
		dict set result text \
		    "known: $reason ([dict get $result text])"
	    }
	    pass {
		dict set result result fail
		dict set result text "it passes, and is listed as a known\
		    deviation: $reason"
	    }
	}
    }
    lappend results $result
    ::pyossl::expect::check::conclude $result
    if {[dict get $settings -command] ne ""} {
	uplevel #0 [linsert [dict get $settings -command] end $result]
    }
}

# Play name settings --
#	Holds one conversation.
# Results:
#	The result, which nobody has been told of.
proc ::pyossl::expect::conversation::Play {name settings} {
    set row [Info $name]
    set label "$name: [dict get $row title]"
    if {[dict get $row source] ne ""} {
	append label " ([dict get $row source])"
    }
    foreach variable {results watchers chooser} {
	upvar #0 ::pyossl::expect::check::$variable $variable
	set saved($variable) [set $variable]
	set $variable {}
    }
    set shown [::pyossl::expect::log_user 0]
    try {
	::pyossl::expect::check $label {
	    script::Perform $row $settings
	}
	set result [lindex $results end]
    } finally {
	::pyossl::expect::log_user $shown
	foreach variable {results watchers chooser} {
	    set $variable $saved($variable)
	}
    }
    # Where it stands is of more use than where checks are run.
    dict set result file [dict get $row file]
    dict set result line [dict get $row line]
    dict set result at {}
    dict set result conversation $name
    return $result
}

#------------------------------------------------------------------------
# In several processes
#------------------------------------------------------------------------

# Share names settings --
#	Has other processes hold the conversations: each is given the next one
#	when it has told the result of its last.
proc ::pyossl::expect::conversation::Share {names settings} {
    variable left $names
    variable busy {}
    variable done 0
    variable program
    variable own
    set count [expr {min([dict get $settings -parallel], [llength $names])}]
    try {
	for {set i 0} {$i < $count} {incr i} {
	    set channel [open |[list {*}$program [file join \
		$::pyossl::expect::library worker.tcl] 2>@stderr] r+]
	    fconfigure $channel -buffering line -encoding utf-8 -blocking 0
	    dict set busy $channel ""
	    puts $channel [Line [list $::auto_path $settings \
		[expr {[info exists own] ? [dict keys $own] : {}}]]]
	    fileevent $channel readable [list \
		::pyossl::expect::conversation::Told $channel $settings]
	    Give $channel
	}
	while {[dict size $busy]} {
	    vwait ::pyossl::expect::conversation::done
	}
    } finally {
	foreach channel [dict keys $busy] {
	    catch {close $channel}
	}
    }
}

# The next conversation for a process, or its end.
proc ::pyossl::expect::conversation::Give {channel} {
    variable left
    variable busy
    variable done
    if {[llength $left]} {
	set left [lassign $left name]
	dict set busy $channel $name
	puts $channel [Line $name]
    } else {
	dict unset busy $channel
	incr done
	fileevent $channel readable {}
	catch {close $channel}
    }
}

# A process has told its result, or has ended.
proc ::pyossl::expect::conversation::Told {channel settings} {
    variable busy
    if {[gets $channel line] < 0} {
	if {[eof $channel]} {
	    set name [dict get $busy $channel]
	    Conclude [dict create name $name result fail \
		text "the process that held it has ended" seconds 0 file "" \
		line "" at {} seen {} transcript {} conversation $name] \
		$settings
	    dict unset busy $channel
	    catch {close $channel}
	    incr ::pyossl::expect::conversation::done
	}
	return
    }
    Conclude [Unline $line] $settings
    Give $channel
}

# Any value as a line of text, and back.
proc ::pyossl::expect::conversation::Line {value} {
    return [binary encode base64 [encoding convertto utf-8 $value]]
}
proc ::pyossl::expect::conversation::Unline {line} {
    return [encoding convertfrom utf-8 [binary decode base64 $line]]
}

# What worker.tcl does: reads the settings, then names, until the input ends.
proc ::pyossl::expect::conversation::Work {settings files} {
    foreach path $files {
	Source $path
    }
    while {[gets stdin line] >= 0} {
	puts [Line [Play [Unline $line] $settings]]
	flush stdout
    }
}

#------------------------------------------------------------------------
# The program
#------------------------------------------------------------------------

# The error of a command line that makes no sense.
proc ::pyossl::expect::conversation::Usage {text} {
    return -code error -level 2 -errorcode {PYOSSL EXPECT USAGE} $text
}

# conversation::main words --
#	pyosslsh -conversations: list ?glob ...?, or the options of run. There
#	-server may be host:port, and -load is a file of conversations.
# Results:
#	The exit status: 1 if a conversation has failed.
proc ::pyossl::expect::conversation::main {words} {
    ::pyossl::expect::log_user 0
    if {[lindex $words 0] eq "list"} {
	foreach name [List {*}[lrange $words 1 end]] {
	    set row [Info $name]
	    puts "$name: [dict get $row title] ([dict get $row source])"
	}
	return 0
    }
    set options {-format text}
    if {[llength $words] % 2} {
	Usage "[lindex $words end] wants a value"
    }
    foreach {option value} $words {
	if {$option eq "-load"} {
	    if {![file readable $value]} {
		Usage "there is no file \"$value\" to be read"
	    }
	    Source $value
	    continue
	}
	if {$option eq "-server"
		&& [regexp {^\[?([^][]+)\]?:(\d+)$} $value - host port]} {
	    set value [list $host $port]
	}
	dict set options $option $value
    }
    # What is wrong with the words needs no stack.
    if {[catch {Settings $options} settings]} {
	Usage $settings
    }
    if {![llength [Chosen $settings]]} {
	Usage "no conversation was held: none is called so"
    }
    if {[dict exists $options -output]} {
	if {[catch {open [dict get $options -output] w} message]} {
	    Usage $message
	}
	close $message
    }
    set results [Run {*}$options]
    foreach result $results {
	if {[dict get $result result] eq "fail"} {
	    return 1
	}
    }
    return 0
}
