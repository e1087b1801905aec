# lab.tcl --
#
#	What the tests of the harness share:
#
#	    leaks script	runs a script that closes all it has opened; what
#				is left over is told in the result
#	    connect ?options?	a server of ours and a client on it, both ready;
#				sets server, client and peer in the caller
#	    ends id ...		closes endpoints
#	    both script		runs a script of Expect's verbs in Expect and in
#				the harness: {same output} or what differs

package require pyossl::expect
namespace import -force ::pyossl::expect::*
log_user 0
set ::timeout [expr {10 * $::common::scale}]

namespace eval lab {
    # What makes the same script run in both. An endpoint of the harness has
    # pipes, one of Expect a terminal, which must not change the text.
    variable expectProlog {
	log_user 0
	set timeout 10
	proc start {script} {
	    upvar spawn_id spawn_id
	    spawn -noecho sh -c "stty -echo -onlcr; printf :; $script"
	    expect :
	    lappend ::ids $spawn_id
	}
	proc finish {args} { close {*}$args }
    }
    variable harnessProlog {
	# What it starts must not inherit a sanitizer.
	unset -nocomplain ::env(LD_PRELOAD)
	package require pyossl::expect
	namespace import pyossl::expect::*
	log_user 0
	set timeout 10
	proc start {script} {
	    upvar spawn_id spawn_id
	    spawn -noecho program sh -c "printf :; $script"
	    expect :
	    lappend ::ids $spawn_id
	}
	proc finish {args} { exp_close {*}$args }
    }
    variable prolog {
	set ids {}
	proc show {} {
	    upvar expect_out out
	    foreach name [lsort [array names out]] {
		if {$name eq "spawn_id"} {
		    # Expect gives the ids of what is closed to others.
		    puts "  spawn_id=[lindex [lsearch -all $::ids $out($name)] end]"
		} else {
		    puts "  $name=<[string map {\r \\r \n \\n} $out($name)]>"
		}
	    }
	    unset -nocomplain out
	}
	proc attempt {script} {
	    set code [catch {uplevel 1 $script} message]
	    foreach id $::ids {
		set message [string map [list $id id] $message]
	    }
	    puts "code $code: $message"
	}
    }
}

# What there is of objects and channels.
proc lab::state {} {
    set state {}
    foreach class {conn ctx x509 x509name pkey} {
	dict set state $class [llength [pyossl::$class instances]]
    }
    dict set state channels [lsort [chan names]]
    dict set state waits [info vars ::pyossl_expect_waiting::*]
    dict set state filters [array size ::pyossl::expect::filter::states]
    dict set state spawned [spawned]
    return $state
}

proc leaks {script} {
    # What is made once in a process does not count.
    pyossl::expect::authority::issue
    set before [lab::state]
    set result [uplevel 1 $script]
    set left {}
    # Programs let go of their pipes in the background.
    catch {waituntil {[lab::state] eq $before} 1000}
    dict for {name value} [lab::state] {
	if {$value ne [dict get $before $name]} {
	    lappend left $name $value
	}
    }
    return [expr {$left eq "" ? $result : "left over: $left ($result)"}]
}

proc ends {args} {
    foreach id $args {
	if {$id in [spawned]} {
	    exp_close -i $id
	}
    }
}

proc connect {{serverOptions {}} {clientOptions {}}} {
    upvar 1 server server client client peer peer
    set server [spawn server {*}$serverOptions]
    set client [spawn client 127.0.0.1 [endpoint $server port] \
	    {*}$clientOptions]
    expect -i $server -accept {set peer $expect_out(spawn_id)} \
	timeout {error "nobody was accepted"}
    foreach id [list $client $peer] {
	expect -i $id -established {} -error * {
	    error "$id: $expect_out(error)"
	} timeout {error "$id: no handshake"}
    }
}

proc both {script} {
    set path [testfile both.exp $::lab::expectProlog$::lab::prolog$script]
    set theirs [lindex [runprogram expect $path] 1]
    set ours [lindex [runscript $::lab::harnessProlog$::lab::prolog$script] 1]
    set theirs [string map {\r\n \n} $theirs]
    if {$theirs eq $ours} {
	return "same output: [llength [split [string trimright $ours] \n]] lines"
    }
    set n 0
    foreach a [split $theirs \n] b [split $ours \n] {
	incr n
	if {$a ne $b} {
	    set from [expr {max(0, $n - 5)}]
	    return "line $n: Expect \"$a\", the harness \"$b\" after\n[join \
		    [lrange [split $ours \n] $from $n-2] \n]"
	}
    }
}
