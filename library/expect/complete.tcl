# complete.tcl --
#
#	What a word at the prompt may become: commands, their options, the ids of
#	endpoints, the names of messages, alerts and records, variables, files.
#
#	Works in the interpreter in which the user's commands are run.

namespace eval ::pyossl::expect::complete {
    # What follows an option, and what the words of a command may be.
    variable after {
	-message messages -alert alerts -record records -handshake messages
	-closed {words clean truncated reset} -i ids
	-from {words self peer} -constraints nothing
    }
    # The same where it is another thing for one command.
    variable afterOf {
	spawn		{-handshake {words auto manual}}
	transcript	{-format {words text json svg pcapng}}
	probe		{-format {words dict text json html} -scan parts
	    -starttls {words smtp imap pop3 ftp}}
	conversations	{-format {words text tap junit json}}
    }
    variable arguments {
	endpoint	{ids keys}
	spawn		{{words client server pair program raw conn}}
	wire		{ids {words in out reset} {words drop duplicate swap corrupt
	    fragment coalesce delay truncate inject}}
	help		{helped}
	live		{{words on off records}}
	encode		{encodable}
    }
}

::pyossl::expect::Load help.tcl

# complete::line text --
#	What the last word of a line may become.
# Results:
#	{start candidates}: the index at which the word begins, and the sorted
#	words that it may become, itself among them if it is one.
proc ::pyossl::expect::complete::line {text} {
    # The command that the end of the line is in.
    regexp {[^\n;\[]*$} $text command
    if {[regexp {\{\s*([^\{]*)$} $command - inner]} {
	set command $inner
    }
    regexp {[^\s\{"]*$} $command word
    set words [regexp -all -inline {\S+} [string range $command 0 \
	    end-[string length $word]]]
    set start [expr {[string length $text] - [string length $word]}]
    set all [candidates $words $word]
    # Names may hold what means something to [string match].
    set length [string length $word]
    return [list $start [lsort -unique [lmap candidate $all {
	if {![string equal -length $length $word $candidate]} {
	    continue
	}
	set candidate
    }]]]
}

# All words that may stand there, those that do not fit among them.
proc ::pyossl::expect::complete::candidates {words word} {
    variable after
    variable afterOf
    variable arguments
    if {[string index $word 0] eq "\$"} {
	return [lmap name [info globals] {string cat \$ $name}]
    }
    if {![llength $words]} {
	return [Commands $word]
    }
    set name [namespace tail [lindex $words 0]]
    set last [lindex $words end]
    if {[string index $word 0] eq "-"} {
	return [::pyossl::expect::help::options $name]
    }
    if {[dict exists $afterOf $name $last]} {
	return [Kind [dict get $afterOf $name $last] $words]
    }
    if {[dict exists $after $last]} {
	return [Kind [dict get $after $last] $words]
    }
    if {[lindex $words end-1] eq "-alert" && $last in {warning fatal}} {
	return [Kind descriptions $words]
    }
    if {[dict exists $arguments $name]} {
	set kind [lindex [dict get $arguments $name] [llength $words]-1]
	if {$kind ne ""} {
	    return [Kind $kind $words]
	}
    }
    return [Files $word]
}

# Words of one kind.
proc ::pyossl::expect::complete::Kind {kind words} {
    switch -- [lindex $kind 0] {
	words {
	    return [lrange $kind 1 end]
	}
	ids {
	    return [::pyossl::expect::endpoint::known]
	}
	keys {
	    if {[catch {::pyossl::expect::endpoint [lindex $words 1]} facts]} {
		return {}
	    }
	    return [dict keys $facts]
	}
	messages {
	    return [::pyossl::expect::arguments::handshakes]
	}
	encodable {
	    return [::pyossl::expect::message::names]
	}
	alerts {
	    return [concat warning fatal [Kind descriptions $words]]
	}
	descriptions {
	    return [dict values [::pyossl::expect::names::table alert]]
	}
	records {
	    return [dict values [::pyossl::expect::names::table content_type]]
	}
	parts {
	    ::pyossl::expect::Load probe.tcl
	    return $::pyossl::expect::probe::parts
	}
	helped {
	    return [::pyossl::expect::help::known]
	}
    }
    return {}
}

proc ::pyossl::expect::complete::Commands {word} {
    set names [lmap name [info commands ::[string map {* \\* ? \\? \[ \\\[} \
	    $word]*] {
	regsub {^::} $name ""
    }]
    if {[string match *::* $word]} {
	return [concat $names [lmap name $names {string cat :: $name}]]
    }
    return $names
}

# The files that a word may become; a folder with a slash behind it.
proc ::pyossl::expect::complete::Files {word} {
    set folder [expr {[string match */* $word] ? [file dirname $word] : "."}]
    set prefix [regsub {[^/]*$} $word ""]
    return [lmap path [glob -nocomplain -directory $folder *] {
	string cat $prefix [file tail $path] [expr {[file isdirectory $path]
		? "/" : ""}]
    }]
}
