# 08raw.tcl -- byte by byte
#
#	pyosslsh 08raw.tcl ?HOST PORT?
#
#	Says records that no TLS engine would say, and looks at the alerts that come
#	back.  Without arguments it asks a server of its own.

log_user 0
set timeout 5
if {$argc ni {0 2}} {
    puts stderr "usage: pyosslsh 08raw.tcl ?HOST PORT?"
    exit 2
}
if {$argc == 2} {
    lassign $argv host port
} else {
    set host 127.0.0.1
    set port [endpoint [spawn server] port]
}

# Runs a script on a new connection, and tells what the server says to it.
proc ask {title script} {
    global host port spawn_id
    if {[catch {spawn raw $host $port} message]} {
	puts stderr "08raw.tcl: $message"
	exit 1
    }
    eval $script
    expect -alert fatal * {
	set answer "alert [lindex $expect_out(alert) 1]"
    } -message ServerHello {
	set answer "goes on"
    } eof {
	set answer "ends the connection"
    } timeout {
	set answer "waits for more"
    }
    puts "[format %-32s $title] $answer"
    exp_close
}

ask "a ClientHello" {
    send -handshake ClientHello {}
}
ask "a ClientHello in small pieces" {
    set hello [encode ClientHello {}]
    for {set i 0} {$i < [string length $hello]} {incr i 40} {
	send -record handshake TLSv1 [string range $hello $i [expr {$i + 39}]]
    }
}
ask "a Finished first" {
    send -handshake Finished [dict create verify_data [string repeat \0 12]]
}
ask "data before the handshake" {
    send -record application_data TLSv1.2 hello
}
ask "a record of an unknown type" {
    send -record 99 TLSv1.2 hello
}
ask "a record longer than is allowed" {
    send -record handshake TLSv1.2 [string repeat x 20000]
}
ask "half a record" {
    send -record handshake TLSv1.2 abc -length 100
    send -eof
}
