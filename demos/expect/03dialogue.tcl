# 03dialogue.tcl -- a dialogue with a server, as Expect has it
#
#	pyosslsh 03dialogue.tcl ?HOST PORT?
#
#	Asks an HTTP server for its pages, follows where it leads, and branches on
#	what it says.  Without arguments it talks with a server of its own, the
#	other end of a pair.

log_user 0
if {$argc ni {0 2}} {
    puts stderr "usage: pyosslsh 03dialogue.tcl ?HOST PORT?"
    exit 2
}
if {$argc == 2} {
    if {[catch {spawn client {*}$argv} client]} {
	puts stderr "03dialogue.tcl: $client"
	exit 1
    }
} else {
    lassign [spawn pair] client server
    # The server: two pages, of which one leads to the other.
    expect_before -i $server "GET / *\r\n\r\n" {
	send -i $server "HTTP/1.1 302 Found\r\nLocation: /home\r\nContent-Length: 0\r\n\r\n"
	exp_continue
    } "GET /home *\r\n\r\n" {
	send -i $server "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nwelcome\n"
	exp_continue
    }
}
set path /
proc ask {id path} {
    send -i $id "GET $path HTTP/1.1\r\nHost: localhost\r\n\r\n"
}
ask $client $path
expect -i $client -re {HTTP/1\.[01] 30\d .*?Location: ([^\r\n]*)\r\n.*?\r\n\r\n} {
    puts "moved to $expect_out(1,string)"
    ask $client $expect_out(1,string)
    exp_continue
} -re {HTTP/1\.[01] 200 .*?\r\n\r\n(.*)\n} {
    puts "the page: $expect_out(1,string)"
} -re {HTTP/1\.[01] (\d+) ([^\r\n]*)} {
    puts "no page: $expect_out(2,string)"
    exit 1
} timeout {
    puts "no answer"
    exit 1
}
