# expect.tcl --
#
#	The package pyossl::expect: Expect for TLS endpoints.
#
#	    spawn        send          expect            wire       transcript
#	      |            |              ^                |        check, probe
#	      v            v              | waits          v             ^
#	    endpoints  -> engine <-> records <-> filters <-> transport   |
#	                     |          |                                |
#	                     +---- events, one log for each endpoint ----+
#
#	This file only says where the parts are. What every script needs is
#	loaded now, the rest at its first use; the names are exported, and never
#	imported by themselves, so that they can stand beside those of Don Libes'
#	Expect.

package require Tcl 8.6-
if {[package provide pyossl] eq ""} {
    package require pyossl
}

namespace eval ::pyossl::expect {
    # The folder of the scripts.
    variable library [file dirname [file normalize [info script]]]

    # The files that are loaded with the package.
    variable now {
	event.tcl endpoint.tcl output.tcl wait.tcl pattern.tcl arguments.tcl
	match.tcl standing.tcl send.tcl spawn.tcl transport.tcl engine.tcl
	input.tcl tls.tcl filter.tcl
    }

    # What the others define, by file; see Later.
    variable later {
	names.tcl {names::name names::all names::code names::known names::table
	    names::registries}
	record.tcl {record::split record::build record::bytes record::alert}
	authority.tcl {authority::issue authority::ca authority::cafile
	    authority::file}
	protect.tcl {protect::Active protect::Pass protect::Send
	    protect::Guard protect::Missed}
	raw.tcl {raw::spawn raw::listen}
	program.tcl {program::spawn}
	conn.tcl {conn::spawn}
	message.tcl {decode encode message::nameOf message::split
	    message::names message::keyExchange message::negotiated}
	transcript.tcl {transcript}
	check.tcl {check fail skip constraint}
	live.tcl {live}
	help.tcl {help}
	interact.tcl {interact}
	probe.tcl {probe}
	conversation.tcl {conversations}
    }

    namespace export check constraint conversations decode encode endpoint \
	exp_close exp_continue exp_internal exp_send expect expect_after \
	expect_before fail handshake help interact live log_file log_user \
	match_max probe send skip spawn spawned transcript wait wire
}

# Later file names --
#	Puts a stub in the place of each command of a file: the first call of
#	one of them loads the file, and with it the command itself.
proc ::pyossl::expect::Later {file names} {
    variable library
    if {![::file exists [::file join $library $file]]} {
	return
    }
    foreach name $names {
	set command ::pyossl::expect::$name
	namespace eval [namespace qualifiers $command] {}
	if {[info commands $command] eq ""} {
	    # The command by its own name, for what Tcl says of wrong words.
	    proc $command {args} [string map [::list %F [::list $file] \
		%C [::list [namespace tail $command]]] {
		::pyossl::expect::Load %F
		tailcall %C {*}$args
	    }]
	}
    }
}

# Loads one of the package's files, unless it is loaded.
proc ::pyossl::expect::Load {file} {
    variable library
    variable loaded
    if {![info exists loaded($file)]} {
	set loaded($file) 1
	uplevel #0 [::list source -encoding utf-8 [::file join $library $file]]
    }
}

# A file's name as Tcl is to take it: a file that is there may begin with ~,
# which Tcl 8.6 takes for the folder of a user.
proc ::pyossl::expect::Path {name} {
    return [expr {[string index $name 0] eq "~" && [::file exists ./$name]
	? "./$name" : $name}]
}

apply {{} {
    variable now
    variable later
    dict for {file names} $later {
	Later $file $names
    }
    foreach file $now {
	Load $file
    }
} ::pyossl::expect}

# As in Expect, scripts may read the variable before they have set it.
if {![info exists ::timeout]} {
    set ::timeout 10
}

# So may patterns for all endpoints say -i $any_spawn_id.
if {![info exists ::any_spawn_id]} {
    set ::any_spawn_id any
}

package provide pyossl::expect [package provide pyossl]
