# 07bothends.tcl -- a program under test between two ends of one script
#
#	pyosslsh 07bothends.tcl ?COMMAND ...?
#
#	Takes a TLS client apart: the script is the server it talks to, sees what
#	it offers, and what it does when the server asks for something odd.  In the
#	command %port% is the server's port.  Without one it is openssl s_client.

log_user 0
set timeout 5
if {$argc == 0} {
    set argv {openssl s_client -connect 127.0.0.1:%port% -quiet}
}
set listener [spawn server]
if {[catch {spawn program {*}[string map \
	[list %port% [endpoint $listener port]] $argv]} program]} {
    puts stderr "07bothends.tcl: $program"
    exit 1
}
expect -i $listener -accept {
    set server $expect_out(spawn_id)
} timeout {
    puts "the program does not connect"
    exit 1
}
expect -i $server -message ClientHello -from peer {
    puts "offers [llength [dict get $expect_out(message) cipher_suites]] cipher suites"
} timeout {
    puts "no ClientHello"
    exit 1
}
expect -i $server -established {
    puts "speaks [endpoint $server protocol]"
} -alert fatal * {
    puts "refuses: [lindex $expect_out(alert) 1]"
    exit 1
}
# What the server says must come out of the program.
send -i $server "a line from the server\n"
expect -i $program "a line from the server" {
    puts "shows what it gets"
} timeout {
    puts "shows nothing"
    exit 1
}
