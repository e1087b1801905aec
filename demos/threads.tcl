# threads.tcl --
#
#	A TLS server on several threads, and so on several processors. One
#	thread accepts; each connection goes to one of the others before its
#	handshake, which is where the work is. Answers each line in upper case,
#	with the number of the thread.
#
#	tclsh threads.tcl ?-port N? ?-threads N? ?-connections N?
#	    CERTIFICATE-FILE KEY-FILE
#
#	Prints "listening on PORT". -connections N: ends after so many.
#
#	All connections are of one listener and so of one context, in whatever
#	thread they are: a session from one thread is resumed in another.

package require Tcl 8.6-
package require Thread
package require pyossl

namespace eval pool {
    variable port 0
    variable threads 2
    variable connections 0
    variable workers {}
    variable accepted 0
    variable ended 0
    variable done
}

# What a thread does with the connections that it is given.
set pool::script {
    package require pyossl

    namespace eval worker {
	variable main
	variable number
    }

    proc worker::take {channel} {
	chan configure $channel -blocking 0 -buffering line -encoding utf-8
	chan event $channel readable [list worker::readable $channel]
    }

    proc worker::readable {channel} {
	variable main
	variable number
	# A handshake that failed is an error of its first use.
	if {[catch {gets $channel line} length] || ($length < 0
		&& [chan eof $channel])} {
	    catch {close $channel}
	    thread::send -async $main pool::one
	} elseif {$length >= 0} {
	    puts $channel "$number [string toupper $line]"
	}
    }

    thread::wait
}

proc pool::start {} {
    variable threads
    variable workers
    variable script
    for {set i 1} {$i <= $threads} {incr i} {
	set worker [thread::create -joinable \
	    "[list set ::auto_path $::auto_path]\n$script"]
	thread::send $worker [list set worker::main [thread::id]]
	thread::send $worker [list set worker::number $i]
	lappend workers $worker
    }
}

# The channel is still the listener's until this command returns.
proc pool::accept {channel host port} {
    after 0 [list pool::give $channel]
}

proc pool::give {channel} {
    variable workers
    variable accepted
    set worker [lindex $workers [expr {$accepted % [llength $workers]}]]
    incr accepted
    thread::transfer $worker $channel
    thread::send -async $worker [list worker::take $channel]
}

# A thread says that a connection has ended.
proc pool::one {} {
    variable connections
    variable ended
    variable done
    incr ended
    if {$ended == $connections} {
	set done 1
    }
}

proc pool::main {arguments} {
    variable port
    variable workers
    variable done
    while {[string match -* [lindex $arguments 0]]} {
	set arguments [lassign $arguments option value]
	switch -- $option {
	    -port - -threads - -connections {
		variable [string range $option 1 end] $value
	    }
	    default { error "unknown option $option" }
	}
    }
    if {[llength $arguments] != 2} {
	error "usage: threads.tcl ?-port N? ?-threads N? ?-connections N?\
	    CERTIFICATE-FILE KEY-FILE"
    }
    lassign $arguments certFile keyFile
    start
    set listener [pyossl::socket -server pool::accept -notify connected \
	-certfile $certFile -keyfile $keyFile -myaddr localhost $port]
    puts "listening on [lindex [chan configure $listener -sockname] 2]"
    flush stdout
    vwait pool::done
    close $listener
    foreach worker $workers {
	thread::release $worker
	thread::join $worker
    }
}

if {[catch {pool::main $argv} message]} {
    puts stderr "threads.tcl: $message"
    exit 1
}
