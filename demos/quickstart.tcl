# quickstart.tcl --
#
#	What pyossl does, in one process and a few seconds: Tcl makes an
#	authority and a certificate, serves HTTPS from the event loop, fetches
#	a page from it with Tcl's own http package, with curl and with openssl
#	s_client, and says what was negotiated.
#
#	tclsh quickstart.tcl
#
#	Exit status 0 if all of it worked.

package require Tcl 8.6-
package require http
package require pyossl

namespace eval quickstart {
    variable page "Hello from Tcl over TLS."
    variable folder
    variable limit 20000
    variable failures 0
}

proc quickstart::say {text} {
    puts $text
    flush stdout
}

# A name the file system does not have yet.
proc quickstart::makeFolder {} {
    set base [expr {[info exists ::env(TMPDIR)] ? $::env(TMPDIR)
	: [info exists ::env(TEMP)] ? $::env(TEMP) : "/tmp"}]
    set folder [file join $base pyossl-quickstart-[pid]-[clock milliseconds]]
    file mkdir $folder
    return $folder
}

proc quickstart::write {name data {permissions 0o644}} {
    variable folder
    set path [file join $folder $name]
    set channel [open $path {WRONLY CREAT TRUNC} $permissions]
    puts -nonewline $channel $data
    close $channel
    return $path
}

#------------------------------------------------------------------------
# Certificates
#------------------------------------------------------------------------

# A certificate for a name, signed by {cert key} or, without, by itself.
proc quickstart::certificate {name extensions {issuer {}}} {
    set key [pyossl::pkey new]
    $key generate_key EC prime256v1
    set cert [pyossl::x509 new]
    lassign [expr {[llength $issuer] ? $issuer : [list $cert $key]}] \
	issuerCert issuerKey
    $cert set_version 2
    $cert set_serial_number [clock microseconds]
    [$cert get_subject] commonName $name
    $cert set_issuer [$issuerCert get_subject]
    $cert gmtime_adj_notBefore -60
    $cert gmtime_adj_notAfter 86400
    $cert set_pubkey $key
    foreach {type critical value} $extensions {
	$cert add_extensions [list [pyossl::x509ext new $type $critical \
	    $value -subject $cert -issuer $issuerCert]]
    }
    $cert sign $issuerKey sha256
    return [list $cert $key]
}

proc quickstart::makeCertificates {} {
    set ca [certificate "pyossl quickstart CA" {
	basicConstraints 1 CA:TRUE
	keyUsage 1 keyCertSign
    }]
    lassign [certificate localhost {
	subjectAltName 0 {DNS:localhost, IP:127.0.0.1}
	extendedKeyUsage 0 serverAuth
    } $ca] cert key
    say "  subject  [[$cert get_subject] oneline]"
    say "  issuer   [[$cert get_issuer] oneline]"
    say "  valid    [$cert get_notBefore] to [$cert get_notAfter]"
    say "  sha256   [$cert digest sha256]"
    return [list [write ca.pem [pyossl::dump_certificate PEM [lindex $ca 0]]] \
	[write server.pem [pyossl::dump_certificate PEM $cert]] \
	[write server.key [pyossl::dump_privatekey PEM $key] 0o600]]
}

#------------------------------------------------------------------------
# The server: one page, from the event loop
#------------------------------------------------------------------------

proc quickstart::accept {channel host port} {
    chan configure $channel -blocking 0 -translation crlf
    chan event $channel readable [list quickstart::request $channel]
}

# The request ends with an empty line; what it asks for does not matter.
proc quickstart::request {channel} {
    variable page
    if {[catch {gets $channel line} length] || ($length < 0
	    && [eof $channel])} {
	catch {close $channel}
	return
    }
    if {$length == 0} {
	puts $channel "HTTP/1.1 200 OK\nContent-Type: text/plain"
	puts $channel "Content-Length: [expr {[string length $page] + 2}]"
	puts $channel "Connection: close\n"
	puts $channel $page
	close $channel
    }
}

#------------------------------------------------------------------------
# The clients
#------------------------------------------------------------------------

proc quickstart::failed {text} {
    variable failures
    incr failures
    say "  FAILED: $text"
}

proc quickstart::check {what output} {
    variable page
    if {[string first $page $output] >= 0} {
	say "  $what got: $page"
    } else {
	failed "$what got: [string trim $output]"
    }
}

# Fetches with the http package, and asks the channel what it speaks.
proc quickstart::fetchHttp {port caFile} {
    variable limit
    set token [http::geturl https://localhost:$port/ -timeout $limit \
	-command {apply {{token} {set ::quickstart::fetched $token}}}]
    vwait ::quickstart::fetched
    if {[http::status $token] eq "ok"} {
	check "the http package" [http::data $token]
    } else {
	failed "http: [http::status $token] [http::error $token]"
    }
    http::cleanup $token
}

# The socket command that http is given: ours, with our authority.
proc quickstart::socket {caFile args} {
    return [pyossl::socket -cafile $caFile {*}$args]
}

proc quickstart::explain {port caFile} {
    variable limit
    set channel [pyossl::socket -cafile $caFile -handshaketimeout $limit \
	localhost $port]
    chan configure $channel -blocking 0
    chan event $channel writable {set ::quickstart::connected 1}
    vwait ::quickstart::connected
    chan event $channel writable {}
    pyossl::handshake $channel
    set status [pyossl::status $channel]
    foreach {key text} {
	protocol "protocol version" cipher "cipher suite"
	group "key exchange" servername "name asked for"
	verification "verification" subject "peer" issuer "issued by"
	notAfter "until"
    } {
	say [format "  %-17s %s" $text [dict get $status $key]]
    }
    close $channel
    if {[dict get $status verification] ne "ok"} {
	failed "the certificate was not verified"
    }
}

# A client that knows only the platform's authorities must refuse.
proc quickstart::stranger {port} {
    variable limit
    set channel [pyossl::socket -handshaketimeout $limit localhost $port]
    chan configure $channel -blocking 0
    chan event $channel writable {set ::quickstart::connected 1}
    vwait ::quickstart::connected
    chan event $channel writable {}
    try {
	pyossl::handshake $channel
	failed "a stranger's certificate was accepted"
    } trap {PYOSSL SSL} {message} {
	say "  $message"
    }
    close $channel
}

# An outside program, while the event loop serves it: its output.
proc quickstart::outside {what args} {
    variable limit
    variable output ""
    variable ended ""
    if {[auto_execok [lindex $args 0]] eq ""} {
	say "  $what is not installed here"
	return
    }
    set channel [open |[list {*}$args 2>@1] r+]
    chan configure $channel -blocking 0 -translation binary
    puts -nonewline $channel "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    flush $channel
    chan event $channel readable [list quickstart::collect $channel]
    set timer [after $limit {set ::quickstart::ended timeout}]
    vwait ::quickstart::ended
    after cancel $timer
    chan event $channel readable {}
    if {$ended eq "timeout"} {
	failed "$what took too long"
    } else {
	check $what $output
    }
    catch {close $channel}
}

proc quickstart::collect {channel} {
    variable output
    variable ended
    variable page
    append output [read $channel]
    if {[eof $channel] || [string first $page $output] >= 0} {
	set ended eof
    }
}

proc quickstart::main {} {
    variable folder [makeFolder]
    variable failures
    try {
	say "[pyossl::version], Tcl [info patchlevel],\
	    pyossl [package present pyossl]"
	say "\n1. An authority and a certificate that it signed:"
	lassign [makeCertificates] caFile certFile keyFile
	say "\n2. A server in this process, on the event loop:"
	set listener [pyossl::socket -server quickstart::accept \
	    -certfile $certFile -keyfile $keyFile -myaddr localhost 0]
	set port [lindex [chan configure $listener -sockname] 2]
	say "  https://localhost:$port/"
	say "\n3. The page, fetched with:"
	http::register https 443 [list quickstart::socket $caFile]
	fetchHttp $port $caFile
	outside curl curl --silent --show-error --cacert $caFile \
	    https://localhost:$port/
	outside "openssl s_client" openssl s_client -quiet -no_ign_eof \
	    -verify_return_error -CAfile $caFile -servername localhost \
	    -connect localhost:$port
	say "\n4. What was negotiated:"
	explain $port $caFile
	say "\n5. Without our authority nobody is fooled:"
	stranger $port
	close $listener
	say [expr {$failures ? "\nNot all of it worked."
	    : "\nAll of it worked."}]
    } finally {
	file delete -force $folder
    }
    return [expr {$failures > 0}]
}

exit [quickstart::main]
