# sni.tcl --
#
#	One server, one port, two names, two certificates: the server chooses
#	by the name that the client asks for. Client and server live in this
#	process; no file and no outside program is needed.
#
#	tclsh sni.tcl

package require Tcl 8.6-
package require pyossl

# {certificate key}, self-signed for a name.
proc certificate {name} {
    set key [pyossl::pkey new]
    $key generate_key EC prime256v1
    set cert [pyossl::x509 new]
    $cert set_version 2
    $cert set_serial_number 1
    [$cert get_subject] commonName $name
    $cert set_issuer [$cert get_subject]
    $cert gmtime_adj_notBefore 0
    $cert gmtime_adj_notAfter 86400
    $cert set_pubkey $key
    $cert add_extensions [list \
	[pyossl::x509ext new basicConstraints 1 CA:TRUE] \
	[pyossl::x509ext new subjectAltName 0 DNS:$name]]
    $cert sign $key sha256
    return [list $cert $key]
}

proc context {cert key} {
    set ctx [pyossl::ctx new TLS_SERVER_METHOD]
    $ctx use_certificate $cert
    $ctx use_privatekey $key
    return $ctx
}

proc accept {channel host port} {
    chan configure $channel -buffering line
    puts $channel "you asked for\
	[dict get [pyossl::status $channel] servername]"
    close $channel
}

# What a client that trusts both certificates gets for a name.
proc ask {name port trusted} {
    set ctx [pyossl::ctx new TLS_CLIENT_METHOD]
    set store [$ctx get_cert_store]
    foreach cert $trusted {
	$store add_cert $cert
    }
    $ctx set_verify VERIFY_PEER {}
    set channel [pyossl::socket -ctx $ctx -servername $name 127.0.0.1 $port]
    chan configure $channel -blocking 0
    set ::line {}
    chan event $channel readable [list apply {{channel} {
	if {[gets $channel ::line] >= 0 || [eof $channel]} {
	    chan event $channel readable {}
	    set ::answered 1
	}
    }} $channel]
    vwait ::answered
    set subject [dict get [pyossl::status $channel] subject]
    close $channel
    return "$name: certificate $subject, and the server says: $::line"
}

lassign [certificate www.example.com] wwwCert wwwKey
lassign [certificate mail.example.com] mailCert mailKey
set wwwCtx [context $wwwCert $wwwKey]
set mailCtx [context $mailCert $mailKey]
set listener [pyossl::socket -server accept -ctx $wwwCtx \
    -sni [list www.example.com $wwwCtx mail.example.com $mailCtx] \
    -myaddr 127.0.0.1 0]
set port [lindex [chan configure $listener -sockname] 2]
foreach name {www.example.com mail.example.com} {
    puts [ask $name $port [list $wwwCert $mailCert]]
}
close $listener
