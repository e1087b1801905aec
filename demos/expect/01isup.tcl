# 01isup.tcl -- is this server up?
#
#	pyosslsh 01isup.tcl HOST ?PORT?
#
#	Connects, waits for the end of the handshake, and says what came out.  The
#	exit status is 0 if the server speaks TLS.

lassign $argv host port
if {$host eq ""} {
    puts stderr "usage: pyosslsh 01isup.tcl HOST ?PORT?"
    exit 2
}
log_user 0
if {[catch {spawn client $host [expr {$port eq "" ? 443 : $port}]} message]} {
    puts "down: $message"
    exit 1
}
expect -established {
    puts "up: [endpoint $spawn_id protocol] with [endpoint $spawn_id cipher]"
} -alert fatal * {
    puts "it answers with an alert: [lindex $expect_out(alert) 1]"
    exit 1
} -error * {
    puts "it fails: $expect_out(error)"
    exit 1
} eof {
    puts "it ends the connection before there is TLS"
    exit 1
} timeout {
    puts "it is silent"
    exit 1
}
