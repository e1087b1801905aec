# client.tcl --
#
#	A TLS client: sends its standard input line by line, prints what comes
#	back. It trusts the authorities in CA-FILE and checks the host's name.
#
#	tclsh client.tcl HOST PORT CA-FILE

package require Tcl 8.6-
package require pyossl

proc main {host port caFile} {
    try {
	set channel [pyossl::socket -cafile $caFile $host $port]
	chan configure $channel -buffering line -encoding utf-8
	pyossl::handshake $channel
	set status [pyossl::status $channel]
	puts "connected: [dict get $status protocol],\
	    [dict get $status cipher], server [dict get $status subject]"
	while {[gets stdin line] >= 0} {
	    puts $channel $line
	    if {[gets $channel answer] < 0} {
		break
	    }
	    puts $answer
	}
	close $channel
    } trap {PYOSSL SSL} {message options} {
	# One plain line: which certificate check failed, whose alert it was.
	puts stderr "client.tcl: $message"
	return 1
    }
    return 0
}

if {[llength $argv] != 3} {
    puts stderr "usage: client.tcl HOST PORT CA-FILE"
    exit 2
}
exit [main {*}$argv]
