# server.tcl --
#
#	A TLS server that answers each line in upper case, for any number of
#	clients at once, from the event loop.
#
#	tclsh server.tcl ?-port N? ?-lines N? CERTIFICATE-FILE KEY-FILE
#
#	Prints "listening on PORT". -lines N: ends after so many lines.

package require Tcl 8.6-
package require pyossl

namespace eval server {
    variable port 0
    variable lines 0
    variable count 0
    variable done
}

proc server::accept {channel host port} {
    chan configure $channel -blocking 0 -buffering line -encoding utf-8
    set status [pyossl::status $channel]
    puts "$host $port: [dict get $status protocol]\
	[dict get $status cipher]"
    chan event $channel readable [list server::readable $channel $host $port]
}

# A failed handshake concerns that one client only.
proc server::failed {channel host port message errorCode} {
    puts "$host $port: $message"
}

proc server::readable {channel host port} {
    variable lines
    variable count
    variable done
    if {[catch {gets $channel line} length]} {
	puts "$host $port: $length"
	close $channel
	return
    }
    if {$length >= 0} {
	puts $channel [string toupper $line]
	incr count
    } elseif {[eof $channel]} {
	close $channel
	if {$lines > 0 && $count >= $lines} {
	    set done 1
	}
    }
}

proc server::main {arguments} {
    variable port
    variable lines
    variable done
    while {[string match -* [lindex $arguments 0]]} {
	set arguments [lassign $arguments option value]
	switch -- $option {
	    -port { set port $value }
	    -lines { set lines $value }
	    default { error "unknown option $option" }
	}
    }
    if {[llength $arguments] != 2} {
	error "usage: server.tcl ?-port N? ?-lines N? CERTIFICATE-FILE KEY-FILE"
    }
    lassign $arguments certFile keyFile
    set listener [pyossl::socket -server server::accept \
	-errorcommand server::failed -certfile $certFile -keyfile $keyFile \
	-myaddr localhost $port]
    puts "listening on [lindex [chan configure $listener -sockname] 2]"
    flush stdout
    vwait server::done
    close $listener
}

if {[catch {server::main $argv} message]} {
    puts stderr "server.tcl: $message"
    exit 1
}
