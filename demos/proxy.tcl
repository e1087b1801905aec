# proxy.tcl --
#
#	Fetches a page over HTTPS through a proxy: a plain connection, CONNECT
#	(RFC 9110, 9.3.6), and TLS on the same channel from there on.
#
#	tclsh proxy.tcl PROXY-HOST PROXY-PORT CA-FILE HOST PORT ?PATH?

package require Tcl 8.6-
package require pyossl

proc tunnel {proxyHost proxyPort host port} {
    set channel [socket $proxyHost $proxyPort]
    chan configure $channel -translation crlf -buffering line
    puts $channel "CONNECT $host:$port HTTP/1.1"
    puts $channel "Host: $host:$port"
    puts $channel ""
    if {[gets $channel answer] < 0} {
	error "the proxy closed the connection"
    }
    if {![regexp {^HTTP/1\.[01] 2\d\d} $answer]} {
	error "the proxy refuses: $answer"
    }
    while {[gets $channel header] > 0} {
	# Nothing in these matters to a client.
    }
    return $channel
}

proc fetch {channel caFile host path} {
    pyossl::import $channel -cafile $caFile -servername $host
    puts $channel "GET $path HTTP/1.1"
    puts $channel "Host: $host"
    puts $channel "Connection: close"
    puts $channel ""
    flush $channel
    gets $channel answer
    while {[gets $channel header] > 0} {
	# The body is all this demonstration wants.
    }
    chan configure $channel -translation binary
    return "$answer\n[read $channel]"
}

proc main {proxyHost proxyPort caFile host port {path /}} {
    set channel [tunnel $proxyHost $proxyPort $host $port]
    puts [fetch $channel $caFile $host $path]
    puts "([dict get [pyossl::status $channel] protocol] through\
	$proxyHost:$proxyPort)"
    close $channel
}

if {[llength $argv] ni {5 6}} {
    puts stderr "usage: proxy.tcl PROXY-HOST PROXY-PORT CA-FILE HOST PORT ?PATH?"
    exit 2
}
if {[catch {main {*}$argv} message]} {
    puts stderr "proxy.tcl: $message"
    exit 1
}
