# 05ladder.tcl -- a picture of a conversation, and a file for Wireshark
#
#	pyosslsh 05ladder.tcl ?FOLDER?
#
#	Holds a conversation that goes wrong halfway, and writes it down in all
#	formats: text, JSON, a ladder diagram, and a capture with the secrets.

log_user 0
set folder [expr {$argc ? [lindex $argv 0] : "."}]
if {$argc > 1 || ![file isdirectory $folder]} {
    puts stderr "usage: pyosslsh 05ladder.tcl ?FOLDER?, a folder that is there"
    exit 2
}
lassign [spawn pair] client server
send -i $client "GET / HTTP/1.0\r\n\r\n"
expect -i $server "\r\n\r\n" {
    send -i $server "HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nhello\n"
}
expect -i $client "hello\n"
# The server's next record is damaged on its way.
wire $server out corrupt * end 1
send -i $server "this does not arrive"
expect -i $client -alert fatal bad_record_mac -from self {} timeout {exit 1}

foreach {format suffix} {text txt json json svg svg pcapng pcapng} {
    puts [transcript -i [list $client $server] -format $format \
	    -file [file join $folder conversation.$suffix]]
}
