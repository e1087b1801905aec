# ca.tcl --
#
#	A small certificate authority in one folder: it signs requests,
#	revokes certificates, and publishes a revocation list.
#
#	tclsh ca.tcl init FOLDER ?COMMON-NAME?
#	tclsh ca.tcl request FOLDER NAME	a key and a request
#	tclsh ca.tcl issue FOLDER REQUEST-FILE	prints the certificate's file
#	tclsh ca.tcl revoke FOLDER SERIAL ?REASON?
#	tclsh ca.tcl crl FOLDER			prints the list's file
#	tclsh ca.tcl show FOLDER
#
#	FOLDER/index.txt has a line "SERIAL STATUS DATE REASON SUBJECT" for
#	each certificate; everything else is in ca.pem, ca.key, certs/, crl.pem.

package require Tcl 8.6-
package require pyossl

namespace eval ca {
    variable days 365
    variable crlDays 30
}

proc ca::readFile {args} {
    set channel [open [file join {*}$args]]
    try {
	return [read $channel]
    } finally {
	close $channel
    }
}

# Written whole or not at all: a reader never sees half a list.
proc ca::writeFile {file data {mode 0o644}} {
    set channel [open $file.new {WRONLY CREAT TRUNC} $mode]
    puts -nonewline $channel $data
    close $channel
    file rename -force $file.new $file
}

proc ca::index {folder} {
    set rows {}
    set file [file join $folder index.txt]
    if {[file exists $file]} {
	foreach line [split [string trim [readFile $file]] \n] {
	    lappend rows $line
	}
    }
    return $rows
}

proc ca::saveIndex {folder rows} {
    writeFile [file join $folder index.txt] [join $rows \n]\n
}

proc ca::now {} {
    return [clock format [clock seconds] -format %Y%m%d%H%M%SZ -gmt 1]
}

proc ca::newSerial {} {
    binary scan [pyossl::rand bytes 15] H* hex
    return [expr {"0x01$hex"}]
}

proc ca::load {folder} {
    return [list [pyossl::load_certificate PEM [readFile $folder ca.pem]] \
	[pyossl::load_privatekey PEM [readFile $folder ca.key]]]
}

proc ca::extension {type critical value subject issuer} {
    return [pyossl::x509ext new $type $critical $value -subject $subject \
	-issuer $issuer]
}

proc ca::init {folder {commonName "Demo CA"}} {
    variable days
    file mkdir [file join $folder certs]
    set key [pyossl::pkey new]
    $key generate_key EC prime256v1
    set cert [pyossl::x509 new]
    $cert set_version 2
    $cert set_serial_number [newSerial]
    [$cert get_subject] commonName $commonName
    $cert set_issuer [$cert get_subject]
    $cert gmtime_adj_notBefore 0
    $cert gmtime_adj_notAfter [expr {10 * $days * 86400}]
    $cert set_pubkey $key
    foreach {type critical value} {
	basicConstraints 1 CA:TRUE
	keyUsage 1 {keyCertSign, cRLSign}
	subjectKeyIdentifier 0 hash
    } {
	$cert add_extensions [list [extension $type $critical $value $cert \
	    $cert]]
    }
    $cert sign $key sha256
    writeFile [file join $folder ca.key] [pyossl::dump_privatekey PEM $key] \
	0o600
    writeFile [file join $folder ca.pem] [pyossl::dump_certificate PEM $cert]
    saveIndex $folder {}
    return [file join $folder ca.pem]
}

proc ca::request {folder name} {
    set key [pyossl::pkey new]
    $key generate_key EC prime256v1
    set request [pyossl::x509req new]
    [$request get_subject] commonName $name
    $request set_pubkey $key
    $request sign $key sha256
    writeFile [file join $folder $name.key] \
	[pyossl::dump_privatekey PEM $key] 0o600
    set file [file join $folder $name.req]
    writeFile $file [pyossl::dump_certificate_request PEM $request]
    return $file
}

# The request must be signed with its own key: who asks has it.
proc ca::issue {folder requestFile} {
    variable days
    lassign [load $folder] caCert caKey
    set request [pyossl::load_certificate_request PEM [readFile $requestFile]]
    $request verify [$request get_pubkey]
    set subject [$request get_subject]
    set serial [newSerial]
    set cert [pyossl::x509 new]
    $cert set_version 2
    $cert set_serial_number $serial
    $cert set_subject $subject
    $cert set_issuer [$caCert get_subject]
    $cert gmtime_adj_notBefore 0
    $cert gmtime_adj_notAfter [expr {$days * 86400}]
    $cert set_pubkey [$request get_pubkey]
    foreach {type critical value} [list \
	basicConstraints 1 CA:FALSE \
	keyUsage 1 digitalSignature \
	extendedKeyUsage 0 serverAuth \
	subjectAltName 0 DNS:[$subject commonName] \
	authorityKeyIdentifier 0 keyid] {
	$cert add_extensions [list [extension $type $critical $value $cert \
	    $caCert]]
    }
    $cert sign $caKey sha256
    set file [file join $folder certs $serial.pem]
    writeFile $file [pyossl::dump_certificate PEM $cert]
    saveIndex $folder [linsert [index $folder] end \
	[list $serial valid [now] {} [$subject oneline]]]
    return $file
}

proc ca::revoke {folder serial {reason unspecified}} {
    set rows {}
    set found 0
    foreach row [index $folder] {
	if {[lindex $row 0] == $serial && [lindex $row 1] eq "valid"} {
	    set row [lreplace $row 1 3 revoked [now] $reason]
	    set found 1
	}
	lappend rows $row
    }
    if {!$found} {
	error "no valid certificate has the serial number $serial"
    }
    # A reason that does not exist is refused before anything is written.
    set revoked [pyossl::revoked new]
    if {[catch {$revoked set_reason $reason}]} {
	error "there is no reason \"$reason\": it is one of\
	    [join [$revoked all_reasons] {, }]"
    }
    $revoked destroy
    saveIndex $folder $rows
    return "$serial revoked"
}

proc ca::crl {folder} {
    variable crlDays
    lassign [load $folder] caCert caKey
    set crl [pyossl::crl new]
    foreach row [index $folder] {
	lassign $row serial status date reason
	if {$status ne "revoked"} {
	    continue
	}
	set revoked [pyossl::revoked new]
	$revoked set_serial [format %llX $serial]
	$revoked set_rev_date $date
	$revoked set_reason $reason
	$crl add_revoked $revoked
	$revoked destroy
    }
    set file [file join $folder crl.pem]
    writeFile $file [$crl export $caCert $caKey PEM $crlDays]
    return $file
}

proc ca::show {folder} {
    return [join [index $folder] \n]
}

proc ca::main {arguments} {
    set arguments [lassign $arguments command]
    if {$command ni {init request issue revoke crl show}} {
	puts stderr "usage: ca.tcl init|request|issue|revoke|crl|show FOLDER\
	    ?ARG ...?"
	return 1
    }
    try {
	puts [$command {*}$arguments]
    } on error message {
	puts stderr "ca.tcl: $message"
	return 1
    }
    return 0
}

exit [ca::main $argv]
