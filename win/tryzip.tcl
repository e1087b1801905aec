# tryzip.tcl --
#
#	Run by runtests.sh in a Tcl for Windows into whose lib folder the zip was
#	unpacked: the package is found there, and speaks TLS with itself.
#
#	tclsh tryzip.tcl FOLDER-WITH-THE-TEST-CERTIFICATES

encoding system utf-8
fconfigure stdout -encoding utf-8
set certs [lindex $argv 0]
puts "pyossl [package require pyossl] on Tcl [info patchlevel], [pyossl::version]"
set place [lindex [package ifneeded pyossl [package provide pyossl]] end]
puts "loaded from $place"
if {![string match [file dirname [file dirname [info nameofexecutable]]]/lib/* $place]} {
    puts "that is not this Tcl's lib"
    exit 1
}

proc accept {channel host port} {
    puts $channel [dict get [pyossl::status $channel] protocol]
    close $channel
}
set listener [pyossl::socket -server accept -myaddr 127.0.0.1 \
	-certfile $certs/server-ec-chain.pem -keyfile $certs/server-ec.key 0]
set port [lindex [fconfigure $listener -sockname] 2]
set channel [pyossl::socket -cafile $certs/ca.pem 127.0.0.1 $port]
fconfigure $channel -blocking 0
fileevent $channel readable {
    if {[gets $channel line] >= 0 || [eof $channel]} {
	set done 1
    }
}
after 20000 {puts "no answer"; exit 1}
vwait done
puts "a server in the same process says $line"

# Without a display there is no screen to read.
if {![catch {pyossl::rand screen} message]} {
    puts "rand screen found one all the same"
    exit 1
}
puts "rand screen: $message"
if {$line eq "TLSv1.3"} {
    puts "all is well"
    exit 0
}
exit 1
